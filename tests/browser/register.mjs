//! Asking to speak before the meeting opens: on the site's page, in the office, at the head of the chair's queue; and
//! the preview of whoever prepares to speak.

import * as act from './acts.mjs';
import { axe } from './axe.mjs';
import { check, note, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';
import { vi } from './words.mjs';

const SITES = [
  { file: 'lethuy', short: 'Xã Lệ Thủy', name: 'Điểm cầu xã Lệ Thủy', subject: 'Kết quả phòng, chống bão số 9 và kiến nghị hỗ trợ giống lúa' },
  { file: 'donghoi', short: 'Phường Đồng Hới', name: 'Điểm cầu phường Đồng Hới', subject: '' },
];
const SIZES = [['large', 1920, 1080], ['phone', 390, 844], ['', 1366, 768]];

export async function register() {
  const server = await Server.create();
  const open = [];
  try {
    await step('the server starts with demonstration data', () => server.start('--demo'));
    await whole(server, open);
    const errors = open.flatMap((it) => it.errors).filter((text) => !/Failed to load resource/u.test(text));
    check('no page reported an error', errors.length === 0, errors.slice(0, 5).join(' | '));
  } catch (error) {
    for (const { page, site } of open) await chromium.shot(page, `register-failed-${site}`).catch(() => {});
    note(`the server's last words: ${server.log.slice(-8).join('\n')}`);
    throw error;
  } finally {
    for (const { browser } of open) await browser.close().catch(() => {});
    await server.stop();
  }
}

async function shots(page, name) {
  for (const [suffix, width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(700);
    await chromium.shot(page, suffix === '' ? name : `${name}-${suffix}`);
  }
}

async function whole(server, open) {
  const launch = async (file) => {
    const browser = await chromium.open(file);
    open.push(browser);
    return browser.page;
  };
  const host = await server.signIn('Văn phòng');
  const units = await (await host('/api/units')).json();
  const wanted = SITES.map((it) => units.flatMap((unit) => unit.sites).find((site) => site.name === it.name).id);
  const body = JSON.stringify({
    title: 'Hội nghị giao ban tháng 12', venue: 'Hội trường UBND tỉnh', scheduled_at: Date.now() + 1_800_000, sites: wanted,
  });
  const { id } = await (await host('/api/meetings', { method: 'POST', body })).json();
  const links = await (await host(`/api/meetings/${id}/links`)).json();
  const pathOf = (site) => links.find((it) => it.site_name === site.name).path;

  const pages = [];
  for (const site of SITES) {
    const page = await launch(site.file);
    await step(`${site.name} asks to speak before the meeting`, async () => {
      await page.goto(`${server.url}${pathOf(site)}`);
      await page.getByRole('button', { name: vi('register.ask'), exact: true }).click();
      await page.getByLabel(vi('register.subject')).fill(site.subject);
      if (site.subject !== '') await shots(page, 'register-write');
      await page.getByRole('button', { name: vi('register.send'), exact: true }).click();
      await page.getByText(vi('register.done'), { exact: true }).waitFor();
    });
    pages.push(page);
  }
  await shots(pages[0], 'register-done');
  await axe(pages[0], 'a registration on the page of a link');
  await step('it is withdrawn and asked again, without losing the page', async () => {
    await pages[1].getByRole('button', { name: vi('register.withdraw'), exact: true }).click();
    await pages[1].getByRole('button', { name: vi('register.ask'), exact: true }).click();
    await pages[1].getByRole('button', { name: vi('register.send'), exact: true }).click();
    await pages[1].getByText(vi('register.done'), { exact: true }).waitFor();
  });

  const chair = await launch('chair');
  await act.signIn(chair, server, 'Chủ trì');
  await step('the meeting\'s page shows who asked', async () => {
    await chair.goto(`${server.url}/hoi-nghi/${id}`);
    await chair.getByRole('tab', { name: vi('meeting.tab_speeches') }).click();
    await chair.getByRole('cell', { name: SITES[0].subject }).waitFor();
    await shots(chair, 'register-office');
  });
  await axe(chair, 'who asked to speak beforehand');

  await act.openRoom(chair, server, id);
  await act.enterFromOffice(chair, server, id);
  const queue = chair.getByRole('region', { name: vi('room.queue.title') });
  const rows = queue.getByRole('listitem');
  await until('the queue begins with both', 10, async () => (await rows.count()) === SITES.length);
  const texts = await rows.allInnerTexts();
  check('in the order in which they asked, with the subject', texts[0].includes(SITES[0].short) && texts[0].includes(SITES[0].subject) && texts[0].includes(vi('register.ahead')), texts.join(' / '));
  for (const [index, site] of SITES.entries()) await step(`${site.name} comes in`, () => act.enterByLink(pages[index], server, pathOf(site)));

  await step('whoever prepares is seen before every screen shows it', async () => {
    await rows.first().getByRole('button', { name: vi('conduct.prepare_name', { name: SITES[0].name }) }).click();
    const video = chair.locator('[data-preview] video.shown');
    await video.waitFor({ timeout: 15_000 });
    await until('in more than the lowest layer', 15, async () => (await video.evaluate((it) => it.videoWidth)) >= 480);
  });
  await shots(chair, 'register-preview');
  await axe(chair, 'the console with a preview');
  await step('inviting takes it out of the queue and of the preview', async () => {
    await chair.locator('[data-preview]').getByRole('button', { name: vi('room.invite'), exact: true }).click();
    await until('the queue has one', 5, async () => (await rows.count()) === 1);
    await chair.locator('[data-preview]').waitFor({ state: 'detached' });
  });
}
