//! The control desk's wall: more cameras than one page of it shows, live by pages, all of them as single pictures,
//! and how their lines go.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import * as act from './acts.mjs';
import { check, note, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';
import { vi } from './words.mjs';

/** One page of the wall, and some more. */
const PAGE = 49;
const CAMERAS = Number(process.env.CAMERAS ?? 56);

/** Publishes so many cameras from one browser, as devices do (WHIP): small pictures that say who they are. */
async function publish({ room, token, n }) {
  const codecs = RTCRtpReceiver.getCapabilities('video').codecs.filter((it) => it.mimeType === 'video/VP8');
  const canvases = [];
  window.__publishers = [];
  for (let i = 0; i < n; i += 1) {
    const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 });
    canvases.push(canvas.getContext('2d'));
    const peer = new RTCPeerConnection({ iceServers: [] });
    const line = peer.addTransceiver(canvas.captureStream(4).getTracks()[0], {
      direction: 'sendonly', sendEncodings: [{ maxBitrate: 60_000 }],
    });
    line.setCodecPreferences(codecs);
    await peer.setLocalDescription();
    const answer = await fetch(`/whip/${room}/xa-${String(i + 1).padStart(2, '0')}`, {
      method: 'POST', body: peer.localDescription.sdp,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' },
    });
    if (!answer.ok) throw new Error(`WHIP ${answer.status}: ${await answer.text()}`);
    await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    window.__publishers.push(peer);
  }
  let at = 0;
  setInterval(() => {
    at += 1;
    canvases.forEach((context, i) => {
      context.fillStyle = `hsl(${(i * 47) % 360} 45% 32%)`;
      context.fillRect(0, 0, 160, 90);
      context.fillStyle = '#fff';
      context.font = '600 34px sans-serif';
      context.fillText(String(i + 1).padStart(2, '0'), 58, 58);
      context.fillRect((at * 5 + i * 9) % 160, 80, 14, 6);
    });
  }, 250);
}

export async function wall() {
  const server = await Server.create();
  const open = [];
  const launch = async (site, size) => {
    const made = await chromium.open(site, size);
    open.push(made);
    return made;
  };
  try {
    await step('the server starts with demonstration data', () => server.start('--demo'));
    const desk = await server.signIn('Kỹ thuật');
    const meeting = (await (await desk('/api/meetings')).json()).find((it) => it.state === 'open');
    const devices = await launch('gioilinh');
    await step(`${CAMERAS} cameras are published`, async () => {
      const args = ['token', '--data', server.data, '--room', meeting.code, '--publish'];
      const token = spawnSync(process.env.DIEMCAU_BINARY, args, { encoding: 'utf8' }).stdout.trim();
      await devices.page.goto(`${server.url}/dang-nhap`);
      await devices.page.evaluate(publish, { room: meeting.code, token, n: CAMERAS });
    });
    const { page } = await launch('chair', { width: 1600, height: 900 });
    await act.signIn(page, server, 'Kỹ thuật');
    await step('the control desk takes its seat', () => act.enterFromOffice(page, server, meeting.id));
    await live(page);
    await overview(page);
    await lines(page, server, meeting.id);
    // Whoever is not signed in yet is told so by the server, and the browser says it aloud.
    const errors = open.flatMap((it) => it.errors).filter((text) => !text.includes('401'));
    check('no page reported an error', errors.length === 0, errors.slice(0, 4).join(' | '));
  } catch (error) {
    for (const { page, site } of open) await chromium.shot(page, `failed-wall-${site}`).catch(() => {});
    note(`the server's last words: ${server.log.slice(-8).join('\n')}`);
    throw error;
  } finally {
    for (const { browser } of open) await browser.close().catch(() => {});
    await server.stop();
  }
}

/** Lines on which a publisher that the wall shows has been seen to move; `seen` has the counters of the first look
 * at each, because a line counts on when it is given to another publisher. */
async function moving(page, seen) {
  const shown = await page.evaluate(() => {
    const people = window.__diemcau.room().participants;
    const ids = [...document.querySelectorAll('.wall figure')].map((it) => it.dataset.participant);
    return people.filter((it) => ids.includes(it.id)).map((it) => it.publisher || it.id);
  });
  const { video } = await chromium.stats(page);
  return video.filter(({ mid, publisher, framesDecoded }) => {
    if (!shown.includes(publisher)) return false;
    const key = `${mid} ${publisher}`;
    if (!seen.has(key)) seen.set(key, framesDecoded);
    return framesDecoded > seen.get(key);
  }).length;
}

async function live(page) {
  await until('all cameras are in the room', 60, async () => (await chromium.room(page)).participants
    .filter((it) => it.sources.includes('camera')).length > CAMERAS);
  await page.keyboard.press('g');
  // One of the pictures is the desk's own, which comes over no line.
  await turn(page, 'a whole page of the wall moves', PAGE - 1);
  await page.waitForTimeout(1_500);
  await chromium.shot(page, 'wall-live');
  for (const [name, key, n] of [
    ['the next page of the wall moves', 'ArrowRight', CAMERAS + 1 - PAGE],
    ['the first page moves again', 'ArrowLeft', PAGE - 1],
  ]) {
    await page.keyboard.press(key);
    await turn(page, name, n);
  }
}

/** Waits until `n` pictures of the page that is shown move. */
async function turn(page, name, n) {
  const turned = Date.now();
  const seen = new Map();
  await until(name, 40, async () => (await moving(page, seen)) >= n);
  check(name, true, `${n} pictures after ${Date.now() - turned} ms`);
}

async function overview(page) {
  await page.getByRole('button', { name: vi('room.wall.all'), exact: true }).click();
  await until('every camera has a picture', 30, async () => (await page.locator('.wall img').count()) >= CAMERAS);
  const broken = await page.locator('.wall img').evaluateAll(async (all) => {
    const decoded = await Promise.all(all.map((it) => it.decode().then(() => it.naturalWidth, () => 0)));
    return decoded.filter((width) => width < 16).length;
  });
  check('every camera has a picture that can be decoded', broken === 0, `${broken} broken`);
  for (const [name, width, height] of [['large', 1920, 1080], ['middle', 1366, 768], ['desk', 1600, 900]]) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(400);
    await chromium.shot(page, `wall-overview-${name}`);
  }
  await page.keyboard.press('Escape');
}

async function lines(page, server, meeting) {
  const board = await page.context().newPage();
  await board.goto(`${server.url}/hoi-nghi/${meeting}`);
  await board.getByRole('tab', { name: vi('meeting.tab_lines') }).click();
  await until('every line is told', 20, async () => (await board.locator('.board li .row').count()) > CAMERAS);
  await board.waitForTimeout(8_500);
  const told = await board.locator('.board li .row').first().innerText();
  note(`the first line: ${told.replace(/\s+/gu, ' ')}`);
  await board.locator('.board li .row', { hasText: /xa-01|Bàn kỹ thuật/u }).last().click();
  await board.locator('.detail table').first().waitFor();
  check('a line opens to its streams', (await board.locator('.detail tbody tr').count()) > 0);
  const saved = board.waitForEvent('download', { timeout: 100_000 });
  await board.getByRole('button', { name: vi('lines.trace'), exact: true }).click();
  for (const [name, width, height] of [['large', 1600, 900], ['middle', 900, 1100], ['phone', 390, 844]]) {
    await board.setViewportSize({ width, height });
    await board.waitForTimeout(300);
    await board.screenshot({ path: `${chromium.OUT}/lines-${name}.png` });
  }
  const capture = readFileSync(await (await saved).path());
  // A section header block (pcapng), and a minute of one camera.
  check('a minute of a site’s packets is saved', capture.readUInt32LE(0) === 0x0a0d0d0a && capture.length > 20_000, `${capture.length} bytes`);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  check('the operators read it too', /diemcau_line_seconds_total\{direction="up",grade="good"\} [1-9]/u.test(metrics));
  check('each shard is told by itself', /diemcau_shard_forwarded_packets_total\{shard="0"\} \d/u.test(metrics));
  await board.close();
}
