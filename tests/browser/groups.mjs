//! Group discussion in Chromium: sites are split, see and hear only their own group, ask for the chair, who visits,
//! and come back by the clock.

import * as act from './acts.mjs';
import { axe } from './axe.mjs';
import { check, note, sleep, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';
import { vi } from './words.mjs';

const SITES = [
  { file: 'lethuy', short: 'Xã Lệ Thủy', name: 'Điểm cầu xã Lệ Thủy' },
  { file: 'donghoi', short: 'Phường Đồng Hới', name: 'Điểm cầu phường Đồng Hới' },
  { file: 'gioilinh', short: 'Xã Gio Linh', name: 'Điểm cầu xã Gio Linh' },
];
const SIZES = [['large', 1920, 1080], ['phone', 390, 844], ['', 1366, 768]];
/** What is measured of picture and sound takes so long, ms. */
const LOOK_MS = 4_000;
/** Sound energy that a voice brings in that time at least; comfort noise stays far below. */
const VOICE_LEAST = 1e-4;

export async function groups() {
  const server = await Server.create();
  const open = [];
  try {
    await step('the server starts with demonstration data', () => server.start('--demo'));
    const world = await gather(server, open);
    await split(world);
    await visit(world);
    await back(world);
    const errors = open.flatMap((it) => it.errors).filter((text) => !/Failed to load resource/u.test(text));
    check('no page reported an error', errors.length === 0, errors.slice(0, 5).join(' | '));
  } catch (error) {
    for (const { page, site } of open) await chromium.shot(page, `groups-failed-${site}`).catch(() => {});
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
  const host = await server.signIn('Văn phòng');
  const units = await (await host('/api/units')).json();
  const wanted = units.flatMap((unit) => unit.sites).filter((site) => SITES.some((it) => it.name === site.name));
  const body = JSON.stringify({
    title: 'Hội nghị thảo luận tổ', venue: 'Hội trường UBND tỉnh', scheduled_at: Date.now(), sites: wanted.map((it) => it.id),
  });
  const { id } = await (await host('/api/meetings', { method: 'POST', body })).json();
  await host(`/api/meetings/${id}/open`, { method: 'POST' });
  const links = await (await host(`/api/meetings/${id}/links`)).json();
  const { page: chair } = await launch('chair');
  await step('the chair takes the chair', async () => {
    await act.signIn(chair, server, 'Chủ trì');
    await act.enterFromOffice(chair, server, id);
  });
  const sites = [];
  for (const site of SITES) {
    const { page } = await launch(site.file);
    await step(`${site.name} joins`, () => act.enterByLink(page, server, links.find((it) => it.site_name === site.name).path));
    sites.push({ ...site, page });
  }
  let participants = [];
  await until('the chair knows all sites', 15, async () => {
    ({ participants } = await chromium.room(chair));
    return sites.every((site) => participants.some((it) => it.name === site.name));
  });
  for (const site of sites) site.id = participants.find((it) => it.name === site.name).id;
  return { chair, chairId: participants.find((it) => it.role === 'chair').id, sites };
}

/** Who is seen and heard at a page now: publishers whose frames and voices come. */
async function senses(page) {
  const before = await chromium.reception(page);
  await sleep(LOOK_MS);
  const after = await chromium.reception(page);
  const seen = Object.keys(after.frames).filter((it) => after.frames[it] > (before.frames[it] ?? 0));
  const heard = Object.keys(after.energy).filter((it) => after.energy[it] - (before.energy[it] ?? 0) > VOICE_LEAST);
  return { seen: seen.sort(), heard: heard.sort() };
}

const same = (found, wanted) => JSON.stringify(found) === JSON.stringify([...wanted].sort());

async function split(world) {
  const { chair, sites: [first, second, third] } = world;
  await step('the chair splits three sites into two groups', async () => {
    await chair.getByRole('button', { name: vi('breakout.short') }).click();
    const dialog = chair.getByRole('dialog');
    await dialog.getByLabel(vi('breakout.count'), { exact: true }).fill('2');
    await dialog.getByRole('button', { name: vi('breakout.evenly'), exact: true }).click();
    await dialog.getByText(vi('breakout.size', { count: 2 })).waitFor();
    // Whoever is alone gets company by hand, and another is alone.
    for (const [site, group] of [[first, 1], [second, 1], [third, 2]]) {
      await dialog.getByLabel(vi('breakout.move', { name: site.short })).selectOption({ label: vi('breakout.name', { n: group }) });
    }
    for (const [suffix, width, height] of SIZES) {
      await chair.setViewportSize({ width, height });
      await chair.waitForTimeout(400);
      await chromium.shot(chair, suffix === '' ? 'groups-form' : `groups-form-${suffix}`);
      if (suffix === '') await axe(chair, 'the form of groups');
    }
    await dialog.getByRole('button', { name: vi('breakout.open'), exact: true }).click();
    await first.page.locator('[data-group="0"]').waitFor();
    await third.page.locator('[data-group="1"]').waitFor();
  });
  check('their microphones wait for their own technicians', (await chromium.room(chair)).participants
    .filter((it) => it.role === 'site').every((it) => it.self_muted));
  await step('they open their microphones', async () => {
    for (const { page } of world.sites) await page.keyboard.press('m');
    await until('nobody is muted', 10, async () => (await chromium.room(chair)).participants.every((it) => !it.self_muted));
  });
  await until('the first hears the second', 20, async () => (await senses(first.page)).heard.includes(second.id));
  const [one, alone, hall] = await Promise.all([first, third, { page: chair }].map(({ page }) => senses(page)));
  check('a site sees and hears its group alone', same(one.seen, [second.id]) && same(one.heard, [second.id]), JSON.stringify(one));
  check('who is alone in its group hears nobody', same(alone.seen, []) && same(alone.heard, []), JSON.stringify(alone));
  check('the chair sees every group and hears none', hall.seen.length === 3 && hall.heard.length === 0, JSON.stringify(hall));
  for (const [suffix, width, height] of SIZES) {
    await first.page.setViewportSize({ width, height });
    await first.page.waitForTimeout(500);
    await chromium.shot(first.page, suffix === '' ? 'groups-site' : `groups-site-${suffix}`);
  }
  await chromium.shot(chair, 'groups-console');
}

async function visit(world) {
  const { chair, chairId, sites: [first, , third] } = world;
  await step('a group asks for the chair, who comes', async () => {
    await third.page.getByRole('button', { name: vi('breakout.help'), exact: true }).click();
    await until('the desk has the note', 10, async () => (await chromium.room(chair)).desk.notes.length === 1);
    await chair.getByRole('button', { name: vi('breakout.short') }).click();
    await chromium.shot(chair, 'groups-running');
    await chair.locator('[data-groups] section').nth(1).getByRole('button', { name: vi('breakout.visit'), exact: true }).click();
    await chair.getByRole('dialog').getByRole('button', { name: vi('action.close'), exact: true }).click();
    await until('the group hears the chair', 20, async () => (await senses(third.page)).heard.includes(chairId));
  });
  const [other, there] = await Promise.all([senses(first.page), senses(chair)]);
  check('the other group does not hear the chair', !other.heard.includes(chairId), JSON.stringify(other));
  check('the chair hears the group', same(there.heard, [third.id]), JSON.stringify(there));
  await step('the chair goes back to the hall', async () => {
    await chair.getByRole('button', { name: vi('breakout.to_hall'), exact: true }).first().click();
    await chair.locator('[data-group="hall"]').waitFor();
  });
}

async function back(world) {
  const { chair, sites: [first] } = world;
  await step('time runs out and everybody is back', async () => {
    await chair.evaluate(() => {
      const socket = window.__spy.sockets.findLast((it) => it.readyState === WebSocket.OPEN && it.url.endsWith('/ws'));
      socket.send(JSON.stringify({ type: 'command', id: '01ARZ3NDEKTSV4RRFFQ69G5FAV', command: { type: 'breakout', act: 'extend', seconds: 3 } }));
    });
    await first.page.locator('[data-group]').waitFor({ state: 'detached', timeout: 15_000 });
  });
  const facts = (await chromium.room(chair)).breakout;
  check('no group is left', facts === null);
  check('their microphones are closed again', (await chromium.room(chair)).participants
    .filter((it) => it.role === 'site').every((it) => !it.microphone_granted && !it.self_muted));
  await step('an invitation is heard by the others at once', async () => {
    await act.invite(chair, first.short);
    const { page } = world.sites[2];
    await until('the third site hears the first', 20, async () => (await senses(page)).heard.includes(first.id));
  });
}
