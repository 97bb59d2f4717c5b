//! What people do in the pages, by the labels that they see. Works with Playwright's pages.

import { vi } from './words.mjs';

/** Signs an account in. */
export async function signIn(page, server, role) {
  const { username, password } = server.account(role);
  await page.goto(`${server.url}/dang-nhap`);
  await page.getByLabel(vi('sign_in.username')).fill(username);
  await page.getByLabel(vi('sign_in.password'), { exact: true }).fill(password);
  await page.getByRole('button', { name: vi('sign_in.act'), exact: true }).click();
  await page.getByRole('heading', { name: vi('nav.meetings') }).first().waitFor();
}

/** The host creates a meeting with some sites; gives its id. */
export async function createMeeting(page, server, { title, venue, sites }) {
  await page.goto(`${server.url}/hoi-nghi/moi`);
  await page.getByLabel(vi('new.title')).fill(title);
  await page.getByLabel(vi('new.venue')).fill(venue);
  for (const site of sites) {
    await page.getByLabel(vi('sites.search')).fill(site);
    await page.getByRole('checkbox', { name: site }).last().check();
  }
  await page.getByRole('button', { name: vi('meetings.create'), exact: true }).click();
  await page.waitForURL(/\/hoi-nghi\/[0-9A-Z]{26}$/u);
  return page.url().split('/').at(-1);
}

/** Opens the room of a planned meeting. */
export async function openRoom(page, server, meeting) {
  await page.goto(`${server.url}/hoi-nghi/${meeting}`);
  await page.getByRole('button', { name: vi('meeting.open'), exact: true }).click();
  await page.getByRole('link', { name: vi('meeting.enter'), exact: true }).waitFor();
}

/** An account takes its seat. */
export async function enterFromOffice(page, server, meeting) {
  await page.goto(`${server.url}/hoi-nghi/${meeting}`);
  await page.getByRole('link', { name: vi('meeting.enter'), exact: true }).click();
  await enter(page);
}

/** A site opens its link, looks at its devices, says who is there (`declared`), and presses "Vào họp". */
export async function enterByLink(page, server, path, declared) {
  await page.goto(`${server.url}${path}`);
  if (declared !== undefined) {
    await page.getByLabel(vi('join.headcount')).fill(String(declared.headcount));
    await page.getByLabel(vi('join.local_chair')).fill(declared.local_chair);
  }
  await enter(page);
}

async function enter(page) {
  const inRoom = page.getByRole('navigation', { name: vi('room.controls') });
  const button = page.getByRole('button', { name: vi('join.enter'), exact: true });
  await inRoom.or(button).first().waitFor();
  if (await button.isVisible()) await button.click();
  await inRoom.waitFor();
}

/** One of the acts behind a site's menu in the list. */
export async function siteAct(page, site, label) {
  await page.getByRole('tab', { name: vi('room.sites.title'), exact: true }).click();
  await page.getByRole('button', { name: vi('room.sites.acts', { name: site }), exact: true }).click();
  await page.getByRole('menuitem', { name: label, exact: true }).click();
}

export const invite = (page, site) => siteAct(page, site, vi('room.invite'));
export const mute = (page, site) => siteAct(page, site, vi('room.mute'));
export const unmute = (page, site) => siteAct(page, site, vi('room.unmute'));

export async function thank(page) {
  await page.getByRole('button', { name: vi('room.floor.thank'), exact: true }).first().click();
}

export async function startRecording(page) {
  await page.getByRole('button', { name: vi('room.recording.start'), exact: true }).click();
}

export async function writeMessage(page, text) {
  const chat = page.getByRole('tab', { name: vi('room.chat.title') });
  if (await chat.count()) await chat.click();
  const box = page.getByRole('textbox', { name: vi('room.chat.write') });
  await box.fill(text);
  await box.press('Enter');
}

export async function endMeeting(page) {
  await page.getByRole('button', { name: vi('room.end.do'), exact: true }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: vi('room.end.do'), exact: true }).click();
}
