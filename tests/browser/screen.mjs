//! A screen that the chair shares is what everybody looks at, also when it is shared again before the media
//! node has noticed that it stopped.

import * as act from './acts.mjs';
import { check, sleep, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';
import { vi } from './words.mjs';

/** Shorter than the node takes to notice that nothing comes any more, ms. */
const PAUSE = 500;

/** Longer than that, ms: by now a false end would have been noticed. */
const SETTLED = 9_000;

export async function screen() {
  const server = await Server.create();
  let chair = null;
  try {
    await server.start('--demo');
    const host = await server.signIn('Văn phòng');
    const { id } = (await (await host('/api/meetings')).json()).find((it) => it.code === 'demo');
    chair = await chromium.open('chair');
    const { page } = chair;
    await page.addInitScript(drawnScreen);
    await act.signIn(page, server, 'Chủ trì');
    await act.enterFromOffice(page, server, id);
    const press = (key) => page.getByRole('button', { name: vi(key), exact: true }).click();
    const main = async () => (await chromium.room(page)).main.source;
    await step('the screen that the chair shares is the main picture', async () => {
      await press('room.screen.start');
      await until('the screen', 20, async () => (await main()) === 'screen');
    });
    await step('it gives way when sharing stops', async () => {
      await press('room.screen.stop');
      await until('the camera', 10, async () => (await main()) === 'camera');
    });
    await sleep(PAUSE);
    await step('it is the main picture again when it is shared again at once', async () => {
      await press('room.screen.start');
      await until('the screen', 10, async () => (await main()) === 'screen');
    });
    await sleep(SETTLED);
    check('and it stays', (await main()) === 'screen');
  } finally {
    await chair?.browser.close().catch(() => {});
    await server.stop();
  }
}

/** Runs in the page before its own script: the screen is a canvas that changes, and nobody is asked. */
function drawnScreen() {
  MediaDevices.prototype.getDisplayMedia = async () => {
    const canvas = document.createElement('canvas');
    canvas.width = 640;
    canvas.height = 360;
    const pen = canvas.getContext('2d');
    setInterval(() => {
      pen.fillStyle = `hsl(${(Date.now() / 20) % 360} 60% 50%)`;
      pen.fillRect(0, 0, canvas.width, canvas.height);
    }, 66);
    return canvas.captureStream(15);
  };
}
