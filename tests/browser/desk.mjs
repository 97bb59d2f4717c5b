//! The control desk in Chromium: notes with one site, words on every screen, scenes that all screens show at once
//! and that late comers find; what may not be is refused.

import * as act from './acts.mjs';
import { check, note, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';
import { vi } from './words.mjs';

const SITES = [
  { file: 'lethuy', short: 'Xã Lệ Thủy', name: 'Điểm cầu xã Lệ Thủy' },
  { file: 'donghoi', short: 'Phường Đồng Hới', name: 'Điểm cầu phường Đồng Hới' },
];
const SIZES = [['large', 1920, 1080], ['phone', 390, 844], ['', 1366, 768]];
const WORDS = 'Hội nghị tiếp tục lúc 14 giờ 00';

export async function desk() {
  const server = await Server.create();
  const open = [];
  try {
    await step('the server starts with demonstration data', () => server.start('--demo'));
    const world = await gather(server, open);
    await messages(world);
    await scenes(world);
    const errors = open.flatMap((it) => it.errors).filter((text) => !/Failed to load resource/u.test(text));
    check('no page reported an error', errors.length === 0, errors.slice(0, 5).join(' | '));
  } catch (error) {
    for (const { page, site } of open) await chromium.shot(page, `desk-failed-${site}`).catch(() => {});
    note(`the server's last words: ${server.log.slice(-8).join('\n')}`);
    throw error;
  } finally {
    for (const { browser } of open) await browser.close().catch(() => {});
    await server.stop();
  }
}

async function gather(server, open) {
  const launch = async (file) => {
    const browser = await chromium.open(file);
    open.push(browser);
    return browser;
  };
  const host = await server.signIn('Kỹ thuật');
  const meeting = (await (await host('/api/meetings')).json()).find((it) => it.state === 'open');
  const links = await (await host(`/api/meetings/${meeting.id}/links`)).json();
  const console_ = await launch('chair');
  await step('the control desk takes its seat', async () => {
    await act.signIn(console_.page, server, 'Kỹ thuật');
    await act.enterFromOffice(console_.page, server, meeting.id);
  });
  const join = async (site) => {
    const link = links.find((it) => it.site_name === site.name);
    const browser = await launch(site.file);
    await act.enterByLink(browser.page, server, link.path);
    return browser.page;
  };
  const first = await join(SITES[0]);
  return { server, id: meeting.id, page: console_.page, first, join };
}

/** Runs in the page: says something that the page itself would not; the answer's code, or "done". */
function forge(command) {
  const socket = window.__spy.sockets.findLast((it) => it.readyState === WebSocket.OPEN && it.url.endsWith('/ws'));
  const id = `01ARZ3NDEKTSV4RRFF${String(Math.floor(Math.random() * 1e8)).padStart(8, '0')}`;
  return new Promise((done) => {
    const heard = ({ data }) => {
      const message = JSON.parse(data);
      if (message.id !== id) return;
      socket.removeEventListener('message', heard);
      done(message.type === 'done' ? 'done' : message.code);
    };
    socket.addEventListener('message', heard);
    socket.send(JSON.stringify({ type: 'command', id, command }));
  });
}

async function shots(page, name) {
  for (const [suffix, width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(500);
    await chromium.shot(page, suffix === '' ? name : `${name}-${suffix}`);
  }
}

async function messages(world) {
  const { server, id, page, first, join } = world;
  await step('a site writes to the desk in private', async () => {
    await first.keyboard.press('c');
    await first.getByRole('tab', { name: vi('desk.with_desk'), exact: true }).click();
    await first.getByLabel(vi('desk.write')).fill('Micro bị rè');
    await first.keyboard.press('Enter');
    await first.getByText('Micro bị rè', { exact: true }).waitFor();
  });
  await step('the desk reads it and answers', async () => {
    await page.getByRole('tab', { name: vi('room.chat.title') }).click();
    await page.getByRole('tab', { name: vi('desk.with_sites') }).click();
    await page.getByText('Micro bị rè', { exact: true }).click();
    await page.getByLabel(vi('desk.write')).fill('Hãy đổi pin micro');
    await page.keyboard.press('Enter');
    await first.getByText('Hãy đổi pin micro', { exact: true }).waitFor();
  });
  const second = await join(SITES[1]);
  world.second = second;
  check('another site does not have it', (await chromium.room(second)).desk.notes.length === 0);
  await step('words of the desk stand on every screen', async () => {
    await page.getByRole('button', { name: SITES[0].short, exact: true }).click();
    await page.getByLabel(vi('desk.words'), { exact: true }).fill(WORDS);
    await page.getByRole('button', { name: vi('desk.announce'), exact: true }).click();
    for (const screen of [page, first, second]) await screen.locator('[data-words]').getByText(WORDS).waitFor();
  });
  await page.getByLabel(vi('desk.search')).fill('doi pin');
  await page.getByText('Hãy đổi pin micro', { exact: true }).waitFor();
  await shots(page, 'desk-messages');
  await shots(first, 'desk-site-notes');
  check('a site may not speak to all screens', (await first.evaluate(forge, { type: 'desk', act: 'announce', text: 'x' })) === 'forbidden');
  check('the desk may not record', (await page.evaluate(forge, { type: 'start_recording' })) === 'forbidden');
  await page.getByLabel(vi('desk.chat_open')).uncheck();
  await until('the chat is closed', 10, async () => !(await chromium.room(first)).desk.chat_open);
  check('with the chat closed a site is refused', (await first.evaluate(forge, { type: 'send_message', text: 'x' })) === 'chat_closed');
  const secretary = await server.signIn('Thư ký');
  const csv = await (await secretary(`/api/meetings/${id}/messages.csv`)).text();
  check('the CSV has notes and words', csv.includes('Micro bị rè') && csv.includes(WORDS), csv.slice(0, 300));
  const txt = await (await secretary(`/api/meetings/${id}/messages.txt`)).text();
  check('so has the text', txt.includes('Hãy đổi pin micro'));
  check('nobody else takes it away', (await fetch(`${server.url}/api/meetings/${id}/messages.txt`)).status === 401);
  await page.getByRole('button', { name: vi('desk.unannounce'), exact: true }).click();
  await until('the words are gone', 10, async () => (await first.locator('[data-words]').count()) === 0);
  await first.keyboard.press('Escape');
  await first.getByRole('button', { name: vi('action.close'), exact: true }).first().click();
}

async function design(page, layout, fill = async () => {}) {
  await page.getByRole('button', { name: vi('scene.new'), exact: true }).click();
  await page.getByLabel(vi('scene.layout'), { exact: true }).selectOption(layout);
  await fill();
  await page.getByRole('button', { name: vi('scene.save'), exact: true }).click();
  const kept = page.locator('li', { has: page.getByText(vi(`scene.layout.${layout}`), { exact: true }) }).last();
  await kept.getByRole('button', { name: vi('scene.show'), exact: true }).click();
}

async function scenes({ page, first, second, join }) {
  await page.getByRole('tab', { name: vi('scene.panel') }).click();
  const shows = (screen, layout) => screen.locator(`[data-layout="${layout}"]`).waitFor();
  await step('a grid is on every screen at once', async () => {
    await design(page, 'grid4', async () => {
      await page.getByLabel(vi('scene.place', { n: 1 }), { exact: true }).selectOption({ label: SITES[1].short });
    });
    for (const screen of [page, first, second]) await shows(screen, 'grid4');
  });
  await page.waitForTimeout(2_500);
  await shots(page, 'scene-desk');
  await shots(first, 'scene-grid');
  const unknown = { name: 'x', layout: 'grid4', places: ['01ARZ3NDEKTSV4RRFFQ69G5FAV'], text: '', countdown_s: 0 };
  const save = { type: 'scene', act: 'save', scene: null, version: 0, content: unknown };
  check('a scene with an unknown site is refused', (await page.evaluate(forge, save)) === 'scene_unknown_site');
  check('a site designs none', (await first.evaluate(forge, save)) === 'forbidden');
  await step('a recess with a countdown', async () => {
    await design(page, 'recess', () => page.getByLabel(vi('scene.countdown'), { exact: true }).fill('15'));
    for (const screen of [page, first, second]) await shows(screen, 'recess');
  });
  await shots(first, 'scene-recess');
  await first.reload();
  await step('who comes back finds it', () => shows(first, 'recess'));
  await step('back to what every page likes', async () => {
    await page.getByRole('button', { name: vi('scene.end'), exact: true }).click();
    await until('no scene is on the screen', 10, async () => (await second.locator('[data-layout]').count()) === 0);
  });
}
