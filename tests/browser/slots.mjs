//! Sixteen cameras of two layers on the lines of one page, in Chromium and in Firefox, which changes between the wall and one large
//! picture and between layers: how long a picture ever stands still while its camera sends and its page runs (standing.mjs).

import { spawnSync } from 'node:child_process';

import * as act from './acts.mjs';
import { check, note, sleep, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import * as firefox from './firefox.mjs';
import { Server } from './server.mjs';
import { judge } from './standing.mjs';

const CAMERAS = 16;
const FRAMES_PER_S = 12;

/** How often the page changes, and how long it then stays, ms. */
const TURNS = 8;
const STAYS = 4_000;

/** A turn is told to the node and back within this time, ms. */
const SETTLES = 300;

/** What a page's clock or its pictures' clock may be late before the page counts as stalled, ms. */
const STALLED = 50;

/** At most one frame of so many comes late by nobody's visible fault. */
const LATE = 250;

/** Runs in the page that receives: notes when it did not get to run, or to paint, as [from, to] by the machine's clock. */
function keepTime(stalled) {
  window.__stalls = [];
  const clock = (pause) => {
    let last = Date.now();
    return () => {
      const now = Date.now();
      if (now - last > pause + stalled) window.__stalls.push([last, now]);
      last = now;
    };
  };
  setInterval(clock(20), 20);
  const tick = clock(17);
  const paint = () => {
    tick();
    requestAnimationFrame(paint);
  };
  requestAnimationFrame(paint);
}

/** Publishes so many cameras from one browser (WHIP), and notes when each layer of each camera left its encoder, as [ms, width].
 * Chromium sends a second layer from 480×270 on. */
async function publish({ room, token, n, rate }) {
  const codecs = RTCRtpReceiver.getCapabilities('video').codecs.filter((it) => /VP8|rtx/u.test(it.mimeType));
  const pens = [];
  window.__publishers = [];
  window.__encoded = {};
  for (let i = 0; i < n; i += 1) {
    const canvas = Object.assign(document.createElement('canvas'), { width: 480, height: 270 });
    pens.push(canvas.getContext('2d'));
    const peer = new RTCPeerConnection({ iceServers: [], encodedInsertableStreams: true });
    const line = peer.addTransceiver(canvas.captureStream(rate).getTracks()[0], {
      direction: 'sendonly',
      sendEncodings: [
        { rid: 'l', scaleResolutionDownBy: 2, maxBitrate: 60_000 },
        { rid: 'h', maxBitrate: 150_000 },
      ],
    });
    line.setCodecPreferences(codecs);
    const name = `xa-${String(i + 1).padStart(2, '0')}`;
    const frames = [];
    window.__encoded[name] = frames;
    const { readable, writable } = line.sender.createEncodedStreams();
    const noting = new TransformStream({
      transform(frame, to) {
        frames.push([Date.now(), frame.getMetadata().width]);
        to.enqueue(frame);
      },
    });
    readable.pipeThrough(noting).pipeTo(writable);
    await peer.setLocalDescription();
    const answer = await fetch(`/whip/${room}/${name}`, {
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

/** Runs in the page: notes when each line shows a frame, how wide it is, and when the last of its packets had come. */
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
    const shown = (_, { width, receiveTime }) => {
      const now = Date.now();
      times.push([now, width, receiveTime === undefined ? now : performance.timeOrigin + receiveTime]);
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
    video.play().catch(() => {});
  }
}

export async function slots() {
  const receivers = [['Chromium', chromiumDesk], ['Firefox', firefoxDesk]];
  const wanted = process.env.SLOTS?.split(',');
  for (const [name, enter] of receivers) if (wanted?.includes(name) ?? true) await slotsOf(name, enter);
}

/** A control desk's page in its room; gives the page, and what closes its browser. */
async function chromiumDesk(server, meeting) {
  const { page, browser } = await chromium.open('chair', { width: 1600, height: 900 });
  await act.signIn(page, server, 'Kỹ thuật');
  await act.enterFromOffice(page, server, meeting);
  return { page, close: () => browser.close() };
}

async function firefoxDesk(server, meeting) {
  const { browser, close } = await firefox.open();
  const page = await firefox.window(browser, { width: 1600, height: 900 });
  await page.evaluateOnNewDocument(chromium.spy);
  await firefox.enterAs(page, server, meeting, 'Kỹ thuật');
  return { page, close };
}

async function slotsOf(name, enter) {
  // Firefox needs more than loopback.
  const server = await Server.create({ media: '0.0.0.0' });
  const closing = [];
  try {
    await server.start('--demo');
    const desk = await server.signIn('Kỹ thuật');
    const meeting = (await (await desk('/api/meetings')).json()).find((it) => it.state === 'open');
    const devices = await chromium.open('gioilinh');
    closing.push(() => devices.browser.close());
    await step(`${CAMERAS} cameras of two layers are published`, async () => {
      const args = ['token', '--data', server.data, '--room', meeting.code, '--publish'];
      const token = spawnSync(process.env.DIEMCAU_BINARY, args, { encoding: 'utf8' }).stdout.trim();
      await devices.page.goto(`${server.url}/dang-nhap`);
      await devices.page.evaluate(publish, { room: meeting.code, token, n: CAMERAS, rate: FRAMES_PER_S });
    });
    const { page, close } = await step(`the control desk takes its seat in ${name}`, () => enter(server, meeting.id));
    closing.push(close);
    await until('all cameras are in the room', 60, async () => (await chromium.room(page)).participants
      .filter((it) => it.sources.includes('camera')).length >= CAMERAS);
    await page.keyboard.press('g');
    await until('every camera has a line', 20, async () => (await carried(page)).size >= CAMERAS);
    await page.evaluate(keepTime, STALLED);
    await page.evaluate(watch);
    await sleep(STAYS);
    await measure(name, page, devices.page);
  } catch (error) {
    note(`the server's last words: ${server.log.slice(-8).join('\n')}`);
    throw error;
  } finally {
    for (const close of closing) await close().catch(() => {});
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

/** Turns to and fro, and then judges what was shown meanwhile. */
async function measure(name, page, publisher) {
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
  const [shown, stalls] = await page.evaluate(() => [window.__shown, window.__stalls]);
  const encoded = await publisher.evaluate(() => window.__encoded);
  const found = judge({ stays, shown, stalls, encoded, intervalMs: 1_000 / FRAMES_PER_S });
  const lines = stays.reduce((sum, it) => sum + it.kept.size, 0) / stays.length;
  const of = (cause) => found.gaps.filter((it) => it.cause === cause).length;
  note(`${name}: ${found.frames} frames on ${lines.toFixed(0)} lines, ${TURNS} turns; ${found.gaps.length} gaps over 200 ms: `
    + `in ${of('page')} the page did not run or decode, in ${of('camera')} the camera sent nothing, ${of('line')} are the line's`);
  note(`the page stood ${stalls.length} times, ${Math.max(0, ...stalls.map(([a, b]) => b - a))} ms at worst; ${found.switches} changes of layer; `
    + `${found.first.length} pictures came anew, after ${found.first.at(found.first.length >> 1)} ms, ${found.first.at(-1)} ms at worst`);
  note(`with the lines that rested meanwhile the browser counts ${frozenAfter.count - frozenBefore.count} freezes, ${(frozenAfter.seconds - frozenBefore.seconds).toFixed(2)} s`);
  const worst = found.gaps.toSorted((a, b) => Number(b.cause === 'line') - Number(a.cause === 'line') || b.ms - a.ms).slice(0, 12)
    .map((it) => `${it.ms} ms, ${it.cause}${it.changes ? ', at a switch' : ''}, ${it.at} ms after a turn`);
  if (worst.length > 0) note(`the worst: ${worst.join('; ')}`);
  check(`${name}: pictures move on their lines through every turn`, found.frames > stays.length * STAYS / 1_000 * FRAMES_PER_S, `${found.frames} frames`);
  check(`${name}: layers were changed, and pictures came anew within two seconds`, found.switches > 0 && (found.first.at(-1) ?? 0) < 2_000);
  // Not none: that the network threads of two starved browsers did not get to run is seen by nobody.
  check(`${name}: hardly a picture stands while its camera sends and its page runs`, of('line') <= found.frames / LATE, `${of('line')} of ${found.frames} frames late`);
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
