//! The second pass: Debian's Firefox, driven by WebDriver BiDi, with its own fake camera and tone. Chair
//! and site are two windows that share nothing.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import puppeteer from 'puppeteer-core';

import { check, note, sleep, step, until } from './check.mjs';
import { OUT } from './chromium.mjs';
import { Server } from './server.mjs';
import { vi } from './words.mjs';

const EXECUTABLE = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.gmp-manager.updateEnabled': false,
  'intl.accept_languages': 'vi',
  'app.update.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/** Sound energy per second of a tone; of silence. */
const HEARD = 1e-4;
const SILENT = 1e-6;

export async function firefox() {
  const server = await Server.create({ media: '0.0.0.0' });
  let [browser, close] = [null, null];
  try {
    await server.start('--demo');
    const host = await server.signIn('Văn phòng');
    const { id } = (await (await host('/api/meetings')).json()).find((it) => it.code === 'demo');
    const links = await (await host(`/api/meetings/${id}/links`)).json();
    ({ browser, close } = await step('Firefox starts', open));
    note(await browser.version());
    const [chair, first, second] = await Promise.all([1, 2, 3].map(() => window(browser)));
    await step('the chair enters in Firefox', () => enterAs(chair, server, id, 'Chủ trì'));
    for (const [page, link] of [[first, links[0]], [second, links[1]]]) {
      await step(`${link.site_name} enters in Firefox`, async () => {
        await page.goto(`${server.url}${link.path}`);
        await enter(page);
      });
    }
    await talk(chair, first, second, links[0].site_name);
    await watches(browser, server, id);
    await second.screenshot({ path: join(OUT, 'firefox-site.png') });
    await chair.screenshot({ path: join(OUT, 'firefox-console.png') });
  } catch (error) {
    note(`the server's last words: ${server.log.slice(-8).join('\n')}`);
    for (const page of (await browser?.pages()) ?? []) {
      await page.screenshot({ path: join(OUT, `failed-firefox-${Math.random().toString(36).slice(2, 6)}.png`) }).catch(() => {});
    }
    throw error;
  } finally {
    await close?.();
    await server.stop();
  }
}

/** The control desk and a monitor window of the same sign-in. */
async function watches(browser, server, id) {
  const desk = await window(browser);
  await step('the control desk enters in Firefox', () => enterAs(desk, server, id, 'Kỹ thuật'));
  await step('its board shows the sites', async () => {
    await press(desk, vi('desk.board.title'));
    await until('two rows of sites that are in', 20, () =>
      desk.evaluate(() => document.querySelectorAll('[data-desk] button[data-row]').length >= 2));
  });
  await desk.screenshot({ path: join(OUT, 'firefox-desk.png') });
  const monitor = await desk.browserContext().newPage();
  await monitor.setViewport({ width: 1366, height: 768 });
  await step('a monitor window shows moving pictures in Firefox', async () => {
    await monitor.goto(`${server.url}/hoi-nghi/${id}/giam-sat/1?tren=1`);
    const frames = async () => (await stats(monitor)).video.filter((line) => line.framesDecoded > 5).length;
    await until('two pictures move', 40, async () =>
      (await monitor.evaluate(() => window.__diemcau !== undefined && document.querySelectorAll('[data-monitor="1"] [data-health]').length >= 2)) && (await frames()) >= 2);
  });
  await monitor.screenshot({ path: join(OUT, 'firefox-monitor.png') });
  check('the desk keeps its own seat beside it', await desk.evaluate(() => window.__diemcau.media()) === 'connected');
  await monitor.close();
  await desk.close();
}

/** A browser with a profile of its own; `close` ends it and throws the profile away. */
export async function open() {
  const profile = mkdtempSync(join(tmpdir(), 'diemcau-firefox-'));
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: EXECUTABLE,
    headless: true,
    userDataDir: profile,
    extraPrefsFirefox: PREFERENCES,
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
  });
  const close = async () => {
    await browser.close().catch(() => {});
    rmSync(profile, { recursive: true, force: true });
  };
  return { browser, close };
}

/** A window that shares nothing with the others. */
export async function window(browser, { width = 1366, height = 768 } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width, height });
  return page;
}

/** An account signs in and takes its seat. */
export async function enterAs(page, server, id, role) {
  const { username, password } = server.account(role);
  await page.goto(`${server.url}/dang-nhap`);
  await page.waitForSelector('input[autocomplete=username]');
  await page.type('input[autocomplete=username]', username);
  await page.type('input[autocomplete=current-password]', password);
  await press(page, vi('sign_in.act'));
  await until('signed in', 20, () => page.evaluate(() => fetch('/api/session').then((it) => it.ok)));
  await page.goto(`${server.url}/hoi-nghi/${id}/phong`);
  await enter(page);
}

/** Presses "Vào họp" if the page asks first, and waits for the room. */
async function enter(page) {
  await until('the room', 30, async () => {
    if (await page.evaluate(() => window.__diemcau !== undefined && window.__diemcau.room() !== null)) return true;
    await press(page, vi('join.enter'), 300).catch(() => {});
    return false;
  });
}

/** Clicks the button, tab or menu item that carries these words. */
async function press(page, words, patience = 15_000) {
  await until(`a button "${words}"`, patience / 1000, () =>
    page.evaluate((wanted) => {
      const all = [...document.querySelectorAll('button, a, [role=menuitem], [role=tab]')];
      const named = (it) => (it.getAttribute('aria-label') ?? it.textContent).trim().replace(/\s+/gu, ' ');
      const found = all.find((it) => named(it) === wanted && !it.disabled && it.getClientRects().length > 0);
      found?.click();
      return found !== undefined;
    }, words),
  );
}

const room = (page) => page.evaluate(() => window.__diemcau.room());
const stats = (page) => page.evaluate(() => window.__diemcau.stats());

/** The chair invites a site, all others see and hear it; then it is muted and nobody hears it. */
async function talk(chair, first, second, name) {
  const seat = await until('the site is there', 20, async () =>
    (await room(chair)).participants.find((it) => it.name === name && it.connected && it.sources.includes('camera')));
  const command = (act) =>
    chair.evaluate((words) => [...document.querySelectorAll('button')].some((it) => it.getAttribute('aria-label') === words), act);
  const short = name.replace(/^Điểm cầu (.)/u, (_, letter) => letter.toUpperCase());
  await step('the chair invites the site', async () => {
    await until('its row', 10, () => command(vi('room.sites.acts', { name: short })));
    await press(chair, vi('room.sites.acts', { name: short }));
    await press(chair, vi('room.invite'));
    await until('it holds the floor', 10, async () => (await room(chair)).floor?.participant === seat.id);
  });
  for (const [who, page] of [['chair', chair], ['other site', second]]) {
    const line = await step(`the ${who} decodes the speaker in Firefox`, () =>
      until('frames', 30, async () => {
        const { video } = await stats(page);
        return video.find((it) => it.publisher === seat.publisher && it.framesDecoded > 10);
      }),
    );
    const energy = await loudness(page, seat.publisher);
    check(`the ${who} hears the speaker in Firefox`, energy > HEARD, `${line.framesDecoded} frames, energy ${energy.toExponential(1)}`);
  }
  await step('the chair mutes the site', async () => {
    await press(chair, vi('room.mute_name', { name: short }));
    await until('the grant is gone', 10, async () =>
      (await room(chair)).participants.find((it) => it.id === seat.id).microphone_granted === false);
  });
  await sleep(2_500);
  const energy = await loudness(second, seat.publisher);
  check('the other site hears the muted one no more', energy < SILENT, `energy ${energy.toExponential(1)}`);
}

/** Energy per second that arrives from a publisher. */
async function loudness(page, publisher) {
  const sum = async () => {
    const { audio } = await stats(page);
    return audio.filter((it) => it.publisher === publisher).reduce((total, it) => total + it.totalAudioEnergy, 0);
  };
  const seconds = 3;
  const before = await sum();
  await sleep(seconds * 1000);
  return Math.max(0, (await sum()) - before) / seconds;
}
