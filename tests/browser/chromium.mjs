//! Debian's Chromium, one process a site: each has a camera and a microphone of its own, fed from files.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const HERE = import.meta.dirname;
export const MEDIA = join(HERE, '.media');
export const OUT = join(HERE, 'out');
mkdirSync(OUT, { recursive: true });

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Nothing of the browser's own goes over the network. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

/** Runs in every page before its own script: remembers connections and sockets, so that a test can tamper
 * with them as a dishonest site would, and marks the document, so that a reload would be seen. */
export function spy() {
  window.__spy = { peers: [], sockets: [], born: Math.random() };
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...args) {
      super(...args);
      window.__spy.peers.push(this);
    }
  };
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...args) {
      super(...args);
      window.__spy.sockets.push(this);
    }
  };
}

/** A browser with the camera and microphone of `site` (a name of media.sh). `window()` opens another page
 * that shares nothing with the first. */
export async function open(site, { width = 1366, height = 768 } = {}) {
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      ...QUIET,
      ...root,
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${join(MEDIA, `${site}.y4m`)}`,
      `--use-file-for-fake-audio-capture=${join(MEDIA, `${site}.wav`)}`,
    ],
  });
  const errors = [];
  const window = async () => {
    const context = await browser.newContext({
      viewport: { width, height },
      locale: 'vi-VN',
      permissions: ['camera', 'microphone'],
    });
    await context.addInitScript(spy);
    const page = await context.newPage();
    page.on('pageerror', (error) => errors.push(`${site}: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(`${site}: ${message.text()}`);
    });
    page.setDefaultTimeout(20_000);
    return page;
  };
  return { site, browser, page: await window(), window, errors };
}

/** What the page says of its receiving lines: see web/src/media/quality.ts. */
export function stats(page) {
  return page.evaluate(() => window.__diemcau.stats());
}

export function room(page) {
  return page.evaluate(() => window.__diemcau.room());
}

/** Identity of the document: changes with a reload. */
export function born(page) {
  return page.evaluate(() => window.__spy.born);
}

/** How many media connections the page has made so far. */
export function peers(page) {
  return page.evaluate(() => window.__spy.peers.length);
}

export async function shot(page, name) {
  await page.screenshot({ path: join(OUT, `${name}.png`) });
}

/** Decoded frames and received sound energy, by publisher. */
export async function reception(page) {
  const { video, audio } = await stats(page);
  const frames = {};
  for (const line of video) {
    if (line.publisher !== null) frames[line.publisher] = Math.max(frames[line.publisher] ?? 0, line.framesDecoded);
  }
  const energy = {};
  for (const line of audio) {
    if (line.publisher !== null) energy[line.publisher] = (energy[line.publisher] ?? 0) + line.totalAudioEnergy;
  }
  const total = audio.reduce((sum, line) => sum + line.totalAudioEnergy, 0);
  return { frames, energy, total };
}
