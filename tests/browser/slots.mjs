//! Sixteen cameras of two layers on the lines of one page, which changes between the wall and one large picture and between layers: how
//! long a picture ever stands still. A moment in which a browser itself did not get to run is told from one that is
//! the system's: both pages note when their own clocks stood.

import { spawnSync } from 'node:child_process';

import * as act from './acts.mjs';
import { check, note, sleep, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';

const CAMERAS = 16;
const FRAMES_PER_S = 12;

/** How often the page changes, and how long it then stays, ms. */
const TURNS = 8;
const STAYS = 4_000;

/** A turn is told to the node and back within this time, ms. */
const SETTLES = 300;

/** The longest that a picture may stand, ms (issue 3), and what one of the two clocks may be late before the machine
 * counts as starved. */
const FREEZE = 200;
const STARVED = 50;

/** What still counts as that machine's own: the work that piled up meanwhile, ms. */
const AFTER = 250;

/** Runs in both pages: notes when the page's own clock stood, as [from, to] by the machine's clock. */
function keepTime(starved) {
  window.__stalls = [];
  let last = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (now - last > 20 + starved) window.__stalls.push([last, now]);
    last = now;
  }, 20);
}

/** Publishes so many cameras from one browser (WHIP). Chromium sends a second layer from 480×270 on. */
async function publish({ room, token, n, rate }) {
  const codecs = RTCRtpReceiver.getCapabilities('video').codecs.filter((it) => /VP8|rtx/u.test(it.mimeType));
  const pens = [];
  window.__publishers = [];
  for (let i = 0; i < n; i += 1) {
    const canvas = Object.assign(document.createElement('canvas'), { width: 480, height: 270 });
    pens.push(canvas.getContext('2d'));
    const peer = new RTCPeerConnection({ iceServers: [] });
    const line = peer.addTransceiver(canvas.captureStream(rate).getTracks()[0], {
      direction: 'sendonly',
      sendEncodings: [
        { rid: 'l', scaleResolutionDownBy: 2, maxBitrate: 60_000 },
        { rid: 'h', maxBitrate: 150_000 },
      ],
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
    pens.forEach((pen, i) => {
      pen.fillStyle = `hsl(${(i * 47) % 360} 45% 32%)`;
      pen.fillRect(0, 0, 480, 270);
      pen.fillStyle = '#fff';
      pen.fillRect((at * 7 + i * 19) % 480, 230, 32, 16);
    });
  }, 1_000 / rate);
}

/** Runs in the page: notes when each line shows a frame, and which publisher it carries at that moment. */
function watch() {
  const peer = window.__spy.peers.at(-1);
  window.__shown = [];
  for (const { mid, receiver, direction } of peer.getTransceivers()) {
    if (direction !== 'recvonly' || receiver.track.kind !== 'video') continue;
    const video = Object.assign(document.createElement('video'), { muted: true, srcObject: new MediaStream([receiver.track]) });
    video.style.cssText = 'position:fixed;right:0;bottom:0;width:1px;height:1px';
    document.body.append(video);
    const times = [];
    window.__shown.push({ mid, times });
    const shown = (_, { width }) => {
      times.push([Date.now(), width]);
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
    video.play().catch(() => {});
  }
}

export async function slots() {
  const server = await Server.create();
  const open = [];
  try {
    await server.start('--demo');
    const desk = await server.signIn('Kỹ thuật');
    const meeting = (await (await desk('/api/meetings')).json()).find((it) => it.state === 'open');
    const devices = await chromium.open('gioilinh');
    open.push(devices);
    await step(`${CAMERAS} cameras of two layers are published`, async () => {
      const args = ['token', '--data', server.data, '--room', meeting.code, '--publish'];
      const token = spawnSync(process.env.DIEMCAU_BINARY, args, { encoding: 'utf8' }).stdout.trim();
      await devices.page.goto(`${server.url}/dang-nhap`);
      await devices.page.evaluate(keepTime, STARVED);
      await devices.page.evaluate(publish, { room: meeting.code, token, n: CAMERAS, rate: FRAMES_PER_S });
    });
    const chair = await chromium.open('chair', { width: 1600, height: 900 });
    open.push(chair);
    const { page } = chair;
    await act.signIn(page, server, 'Kỹ thuật');
    await step('the control desk takes its seat', () => act.enterFromOffice(page, server, meeting.id));
    await until('all cameras are in the room', 60, async () => (await chromium.room(page)).participants
      .filter((it) => it.sources.includes('camera')).length >= CAMERAS);
    await page.keyboard.press('g');
    await until('every camera has a line', 20, async () => (await carried(page)).size >= CAMERAS);
    await page.evaluate(keepTime, STARVED);
    await page.evaluate(watch);
    await sleep(STAYS);
    await measure(page, devices.page);
  } catch (error) {
    for (const { page, site } of open) await chromium.shot(page, `failed-slots-${site}`).catch(() => {});
    note(`the server's last words: ${server.log.slice(-8).join('\n')}`);
    throw error;
  } finally {
    for (const { browser } of open) await browser.close().catch(() => {});
    await server.stop();
  }
}

/** Wants all cameras in one layer, as the page does when its tiles change their size. */
function wantLayer([n, layer]) {
  const names = Array.from({ length: n }, (_, i) => `xa-${String(i + 1).padStart(2, '0')}`);
  const wants = names.map((publisher) => ({ track: { publisher, source: 'camera' }, layer_max: layer }));
  window.__spy.sockets.at(-1).send(JSON.stringify({ type: 'watch', wants }));
}

/** Publisher of each line that carries one of the cameras. */
async function carried(page) {
  const { video } = await chromium.stats(page);
  return new Map(video.filter((it) => it.publisher?.startsWith('xa-')).map((it) => [it.mid, it.publisher]));
}

/** Turns to and fro, and then says how long pictures stood that were on their line all the time of one stay. */
async function measure(page, publisher) {
  const stays = [];
  const frozenBefore = await frozen(page);
  for (let turn = 0; turn < TURNS; turn += 1) {
    // Every other time the page stays and its tiles grow or shrink: the same lines, another layer.
    if (turn % 2 === 0) await page.keyboard.press('g');
    else await page.evaluate(wantLayer, [CAMERAS, turn % 4 === 1 ? 'high' : 'low']);
    const from = Date.now();
    await sleep(SETTLES);
    const before = await carried(page);
    await sleep(STAYS - SETTLES);
    const after = await carried(page);
    const kept = new Map([...before].filter(([mid, who]) => after.get(mid) === who));
    stays.push({ from, to: Date.now(), kept });
  }
  const frozenAfter = await frozen(page);
  const shown = await page.evaluate(() => window.__shown);
  const stalls = [page, publisher].map((it) => it.evaluate(() => window.__stalls));
  const starved = (await Promise.all(stalls)).flat();
  const [gaps, first] = [[], []];
  let [frames, switches] = [0, 0];
  // A line that carried the same picture before the turn must not stand over it; on another one a picture begins.
  const isKept = (n, mid) => stays[n - 1]?.kept.get(mid) === stays[n].kept.get(mid);
  for (const { mid, times } of shown) {
    for (let i = 1; i < times.length; i += 1) {
      const [from, to] = [times[i - 1][0], times[i][0]];
      const n = stays.findIndex((it) => to >= it.from && to <= it.to && it.kept.has(mid));
      if (n < 0) continue;
      const begins = from < stays[n].from;
      if (begins && !isKept(n, mid)) {
        if (n > 0) first.push(to - stays[n].from);
        continue;
      }
      frames += 1;
      const isStarved = starved.some(([begins, ends]) => begins < to && ends + AFTER > from);
      const changes = times[i][1] !== times[i - 1][1];
      switches += Number(changes);
      if (to - from > FREEZE) gaps.push({ ms: to - from, isStarved, changes, at: to - stays[n].from });
    }
  }
  first.sort((a, b) => a - b);
  const ours = gaps.filter((it) => !it.isStarved);
  const worst = gaps.toSorted((a, b) => b.ms - a.ms).slice(0, 8)
    .map((it) => `${it.ms} ms${it.isStarved ? ' starved' : ''}${it.changes ? ' at a switch' : ''} ${it.at} ms after a turn`);
  const lines = stays.reduce((sum, it) => sum + it.kept.size, 0) / stays.length;
  note(`${frames} frames on ${lines.toFixed(0)} lines, ${TURNS} turns; ${gaps.length} gaps over ${FREEZE} ms, ${ours.length} of them with both `
    + `browsers awake; the clocks stood ${starved.length} times, ${Math.max(0, ...starved.map(([a, b]) => b - a))} ms at worst`);
  note(`${switches} changes of layer; ${first.length} pictures came anew, after ${first.at(first.length >> 1)} ms, ${first.at(-1)} ms at worst`);
  note(`with the lines that rested meanwhile the browser counts ${frozenAfter.count - frozenBefore.count} freezes, ${(frozenAfter.seconds - frozenBefore.seconds).toFixed(2)} s`);
  if (worst.length > 0) note(`the worst: ${worst.join('; ')}`);
  check('pictures move on their lines through every turn', frames > stays.length * STAYS / 1_000 * FRAMES_PER_S, `${frames} frames`);
  check('layers were changed, and pictures came anew within two seconds', switches > 0 && (first.at(-1) ?? 0) < 2_000);
  check('hardly a picture stands while both browsers are awake', ours.length <= frames / 200, `${ours.length} of ${frames} frames late`);
}

/** What the browser itself counts as freezes, over all lines. */
async function frozen(page) {
  return page.evaluate(async () => {
    const found = { count: 0, seconds: 0 };
    for (const it of (await window.__spy.peers.at(-1).getStats()).values()) {
      if (it.type !== 'inbound-rtp' || it.kind !== 'video') continue;
      found.count += it.freezeCount ?? 0;
      found.seconds += it.totalFreezesDuration ?? 0;
    }
    return found;
  });
}
