//! A recording after its meeting: what was looked at is on record, it is held, and two people destroy it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import * as act from './acts.mjs';
import { axe } from './axe.mjs';
import { check, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { vi } from './words.mjs';

const SIZES = [[1366, 768], [1920, 1080], [390, 844]];

/** Holds and destroys the recording of a meeting that has been reviewed. */
export async function custody(world) {
  const { server, open, recording, id } = world;
  const folder = join(server.data, 'archive', id, recording.id);
  check('the recording lies in the archive', existsSync(folder), folder);
  const secretary = await opened(world, 'Thư ký');
  await step('the secretary sees who looked at it', async () => {
    await secretary.getByText(/^Sổ theo dõi/u).click();
    await secretary.getByRole('cell', { name: vi('custody.viewed'), exact: true }).first().waitFor();
  });
  for (const [width, height] of SIZES) {
    await secretary.setViewportSize({ width, height });
    await secretary.getByRole('heading', { name: vi('custody.title') }).scrollIntoViewIfNeeded();
    const wide = await secretary.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(`the log fits into ${width} pixels`, wide <= 0, `${wide} pixels too wide`);
    await chromium.shot(secretary, `custody-${width}`);
  }
  await secretary.setViewportSize({ width: 1366, height: 768 });
  await step('the secretary proposes to destroy it, and cannot approve that', async () => {
    await secretary.getByRole('button', { name: vi('custody.ask_destruction') }).click();
    const dialog = secretary.getByRole('dialog');
    await dialog.getByLabel(vi('custody.reason')).fill('Hết thời hạn lưu trữ theo danh mục');
    await axe(secretary, 'the proposal to destroy');
    await chromium.shot(secretary, 'custody-dialog');
    await dialog.getByRole('button', { name: vi('custody.ask_destruction') }).click();
    await secretary.getByText(vi('custody.needs_another')).waitFor();
    check('nobody approves his own', (await secretary.getByRole('button', { name: vi('custody.approve_destruction') }).count()) === 0);
  });
  const chair = await opened(world, 'Chủ trì');
  await step('the chair approves, and the recording is gone', async () => {
    await chair.getByText('Hết thời hạn lưu trữ theo danh mục').first().waitFor();
    await chair.getByRole('button', { name: vi('custody.approve_destruction') }).scrollIntoViewIfNeeded();
    await chromium.shot(chair, 'custody-asked');
    await axe(chair, 'a proposal that waits');
    await chair.getByRole('button', { name: vi('custody.approve_destruction') }).click();
    await chair.getByRole('dialog').getByRole('button', { name: vi('custody.approve_destruction') }).click();
    await until('the folder is gone', 20, () => Promise.resolve(!existsSync(folder)));
    await chair.getByText(vi('custody.is_destroyed_text')).waitFor();
  });
  await chair.reload();
  await chair.getByText(vi('player.wait_destroyed')).waitFor();
  await chromium.shot(chair, 'custody-destroyed');
  for (const { browser } of open.splice(-2)) await browser.close();
}

async function opened({ server, open, recording }, who) {
  const browser = await chromium.open('chair');
  open.push(browser);
  const { page } = browser;
  await act.signIn(page, server, who);
  await page.goto(`${server.url}/ban-ghi/${recording.id}`);
  await page.getByRole('heading', { name: vi('custody.title') }).waitFor();
  return page;
}
