//! How long a person waits: from pressing "Vào họp" to the first decoded frame of the main picture, ten times without a
//! way and ten times with 20 ms of round trip, for pages and media alike. The figures are printed, and where the time
//! goes; that they stay in sight is checked with room for a machine that does other work besides.

import * as act from './acts.mjs';
import { check, note, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { GOOD, Relay, throughRelay, WebRelay } from './relay.mjs';
import { Server } from './server.mjs';

const TIMES = 10;

/** The aim with `WAY_MS` each way, and what a busy machine may take before it is a defect, ms. */
const AIM = 350;
const LIMIT = 5_000;
const WAY_MS = 10;

/** Runs in the page before its own script: notes when each part of joining was reached. */
function marks() {
  const seen = {};
  window.__marks = seen;
  const mark = (name) => (seen[name] ??= performance.now());
  addEventListener('submit', () => mark('pressed'), true);
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...args) {
      super(...args);
      mark('peer');
      this.addEventListener('iceconnectionstatechange', () => {
        if (this.iceConnectionState === 'connected') mark('ice');
      });
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected') mark('connected');
      });
    }

    async setLocalDescription(...args) {
      await super.setLocalDescription(...args);
      mark('described');
    }

    async setRemoteDescription(...args) {
      mark('answer');
      await super.setRemoteDescription(...args);
      mark('accepted');
    }
  };
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...args) {
      super(...args);
      mark('socket');
      this.addEventListener('open', () => mark('open'));
      this.addEventListener('message', ({ data }) => {
        const { type } = JSON.parse(data);
        if (['welcome', 'slots'].includes(type)) mark(type);
      });
    }

    send(text) {
      const { type } = JSON.parse(text);
      if (['offer', 'watch'].includes(type)) mark(type);
      super.send(text);
    }
  };
}

export async function join() {
  const server = await Server.create();
  const [media, web] = [new Relay(server.media), new WebRelay(server.port)];
  const open = [];
  try {
    await server.start('--demo');
    const host = await server.signIn('Văn phòng');
    const meetings = await (await host('/api/meetings')).json();
    const { id } = meetings.find((it) => it.code === 'demo');
    const links = await (await host(`/api/meetings/${id}/links`)).json();
    const chair = await chromium.open('chair');
    open.push(chair);
    await act.signIn(chair.page, server, 'Chủ trì');
    await act.enterFromOffice(chair.page, server, id);
    await until('the chair sends', 20, async () =>
      (await chromium.room(chair.page)).participants.some((it) => it.role === 'chair' && it.sources.includes('camera')));
    const site = await chromium.open('lethuy');
    open.push(site);
    const ports = { media: await media.open(), web: await web.open() };
    const near = await step(`a site joins ${TIMES} times`, () => enter(site, server.url, links[0].path, null));
    tell('join', near);
    [media.line, web.delayMs] = [{ ...GOOD, delayMs: WAY_MS }, WAY_MS];
    const far = await step(`and ${TIMES} times with ${2 * WAY_MS} ms of round trip`, () =>
      enter(site, `http://localhost:${ports.web}`, links[0].path, ports.media));
    tell(`join with ${2 * WAY_MS} ms of round trip (aim: ${AIM} ms)`, far);
    check('the median join is quick', median(far.map((it) => it.shown)) < LIMIT);
  } finally {
    for (const { browser } of open) await browser.close().catch(() => {});
    media.close();
    web.close();
    await server.stop();
  }
}

/** Joins so often, each time with a window that remembers nothing: the page of a seat once taken goes in by itself. Gives
 * when each part was reached, ms after pressing. */
async function enter(site, url, path, port) {
  const joins = [];
  for (let n = 0; n < TIMES; n += 1) {
    const page = await site.window();
    if (port !== null) {
      await page.exposeFunction('__relayPort', () => port);
      await page.addInitScript(throughRelay);
    }
    await page.addInitScript(marks);
    await act.enterByLink(page, { url }, path);
    const { joinMs } = await until('the first frame', 20, async () => {
      const stats = await chromium.stats(page);
      return stats.joinMs === null ? null : stats;
    });
    const { pressed, ...parts } = await page.evaluate(() => window.__marks);
    const after = Object.entries(parts).map(([name, at]) => [name, Math.round(at - pressed)]);
    joins.push({ ...Object.fromEntries(after), shown: Math.round(joinMs) });
    if (n === 0) await chromium.shot(page, 'join');
    await page.context().close();
  }
  return joins;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function tell(what, joins) {
  const all = joins.map((it) => it.shown).toSorted((a, b) => a - b);
  note(`${what}: median ${median(all)} ms, all: ${all.join(' ')}`);
  const parts = Object.keys(joins[0]).map((name) => [name, median(joins.map((it) => it[name] ?? 0))]);
  note(`reached after ms, medians: ${parts.toSorted((a, b) => a[1] - b[1]).map((it) => it.join(' ')).join(', ')}`);
}
