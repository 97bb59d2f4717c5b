//! A site on a bad line, and one whose network changes: what its page shows meanwhile, and that everything is back
//! afterwards without a reload.

import * as act from './acts.mjs';
import { check, note, sleep, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { GOOD, Relay, throughRelay } from './relay.mjs';
import { Server } from './server.mjs';

/** A radio line in the hills: loss each way, 60 ms round trip, 250 kbit/s towards the site. */
const BAD = { loss: 0.05, delayMs: 30, jitterMs: 5, downBps: 250_000 };

/** How long the line is bad, ms, and in how many parts the frames are counted. */
const BAD_FOR = 15_000;
const PARTS = 3;

/** A face that moves less than this is a photograph, frames a second in every part. */
const MOVES = 4;

export async function line() {
  const server = await Server.create();
  const relay = new Relay(server.media);
  const open = [];
  try {
    let port = await relay.open();
    await server.start('--demo');
    const host = await server.signIn('Văn phòng');
    const { id } = (await (await host('/api/meetings')).json()).find((it) => it.code === 'demo');
    const links = await (await host(`/api/meetings/${id}/links`)).json();
    const chair = await chromium.open('chair');
    open.push(chair);
    await act.signIn(chair.page, server, 'Chủ trì');
    await act.enterFromOffice(chair.page, server, id);
    const site = await chromium.open('lethuy');
    open.push(site);
    const { page } = site;
    await page.exposeFunction('__relayPort', () => port);
    await page.addInitScript(throughRelay);
    relay.line = { ...GOOD, delayMs: 10 };
    await step('a site enters over the relay', () => act.enterByLink(page, server, links[0].path));
    const { joinMs } = await until('its first frame', 20, async () => {
      const stats = await chromium.stats(page);
      return stats.joinMs === null ? null : stats;
    });
    note(`join with 20 ms of round trip: ${Math.round(joinMs)} ms (aim: 350 ms)`);
    await until('the sharp layer', 40, async () => (await main(page)).frameWidth >= 1_280);
    await worse(page, relay);
    await moved(page, relay, async () => {
      port = await relay.open();
    });
  } catch (error) {
    for (const { page, site } of open) await chromium.shot(page, `failed-line-${site}`).catch(() => {});
    note(`the server's last words: ${server.log.slice(-8).join('\n')}`);
    throw error;
  } finally {
    for (const { browser } of open) await browser.close().catch(() => {});
    await server.stop();
    relay.close();
  }
}

/** The line of the picture that moves most: the main one, as only the chair sends to this page. */
async function main(page) {
  const { video } = await chromium.stats(page);
  const carried = video.filter((it) => it.publisher !== null);
  return carried.toSorted((a, b) => b.frameWidth - a.frameWidth)[0] ?? { framesDecoded: 0, frameWidth: 0 };
}

async function sound(page) {
  const { audio } = await chromium.stats(page);
  return audio.reduce((sum, it) => sum + it.totalAudioEnergy, 0);
}

async function worse(page, relay) {
  const told = page.locator('[data-limit="downlink"]').first();
  await until('nothing is limited', 30, async () => (await told.count()) === 0);
  relay.line = BAD;
  const weakAfter = Date.now();
  await step('the page says that the picture is limited by its own line', () => told.waitFor({ timeout: 30_000 }));
  note(`said after ${Date.now() - weakAfter} ms`);
  await chromium.shot(page, 'line-weak');
  const heard = await sound(page);
  const counts = [(await main(page)).framesDecoded];
  for (let part = 0; part < PARTS; part += 1) {
    await sleep(BAD_FOR / PARTS);
    counts.push((await main(page)).framesDecoded);
  }
  const parts = counts.slice(1).map((it, n) => it - counts[n]);
  const { frameWidth } = await main(page);
  note(`the main picture, ${frameWidth} wide, in each ${BAD_FOR / PARTS / 1_000} s: ${parts.join(', ')} frames`);
  const rate = Math.min(...parts) / (BAD_FOR / PARTS / 1_000);
  check('the main picture moves on all the time', rate >= MOVES, `${rate.toFixed(1)} frames a second at least`);
  check('the sound goes on', (await sound(page)) > heard);
  const good = Date.now();
  relay.line = { ...GOOD, delayMs: 10 };
  await step('the sharp layer is back after the line is good again', () =>
    until('the sharp layer', 40, async () => (await main(page)).frameWidth >= 1_280));
  note(`back after ${((Date.now() - good) / 1_000).toFixed(1)} s`);
}

/** The site's network changes: the old way is dead, and there is another one. */
async function moved(page, relay, move) {
  const [peers, born] = [await chromium.peers(page), await chromium.born(page)];
  await move();
  const began = Date.now();
  await sleep(1_500);
  const before = (await main(page)).framesDecoded;
  await step('the picture goes on after the network has changed', () =>
    until('more frames', 75, async () => (await main(page)).framesDecoded > before + 5));
  note(`back after ${((Date.now() - began) / 1_000).toFixed(1)} s`);
  note(`by ${(await chromium.peers(page)) - peers} more connections`);
  check('without a reload', (await chromium.born(page)) === born);
}
