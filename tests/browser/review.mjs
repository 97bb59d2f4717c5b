//! The secretary reviews a recording: who spoke when, notes, skipping silence, all with the keyboard.

import * as act from './acts.mjs';
import { axe } from './axe.mjs';
import { check, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { vi } from './words.mjs';

/** "Seeking shows a frame in ≤ 300 ms", ms. */
const SEEK_MAX = 300;
const SIZES = [[1920, 1080], [1366, 768], [390, 844]];

/** Looks at the recording of a meeting of which it is known who spoke. */
export async function review(world, { spoke, silent }) {
  const { server, open, recording } = world;
  const answer = await world.secretary(`/api/recordings/${recording.id}/files/review.json`);
  check('what stands beside the video was made with it', answer.status === 200, `${answer.status}`);
  const { lanes, waveform, thumbs } = await answer.json();
  for (const name of spoke) {
    const lane = lanes.find((it) => it.name === name);
    check(`it knows when ${name} spoke`, (lane?.speech_ms ?? 0) > 3_000, JSON.stringify(lane?.spans));
  }
  for (const name of silent) {
    check(`it does not let ${name} speak, who was never heard`, lanes.every((it) => it.name !== name));
  }
  check('it has a waveform and small pictures', waveform.length > 50 && thumbs.count >= 3, `${waveform.length}, ${thumbs?.count}`);

  const secretary = await chromium.open('chair');
  open.push(secretary);
  const { page } = secretary;
  await step('the secretary opens the recording', async () => {
    await act.signIn(page, server, 'Thư ký');
    await page.goto(`${server.url}/ban-ghi/${recording.id}`);
    await page.getByRole('heading', { name: vi('player.lanes') }).waitFor();
    await until('the video is there', 20, () => page.evaluate(() => (document.querySelector('video')?.duration ?? 0) > 10));
  });
  await seeks(page);
  await notes(page);
  await step('silence is skipped by a key', async () => {
    await page.locator('h1').click();
    await page.keyboard.press('s');
    await page.getByRole('button', { name: vi('player.skip_silence'), pressed: true }).waitFor();
  });
  await looks(page);
}

async function seeks(page) {
  const slider = page.getByRole('slider', { name: vi('player.place') });
  await slider.focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  const at = await page.evaluate(() => document.querySelector('video').currentTime);
  check('the seek bar is moved with the keyboard', at === 5, `${at} s`);
  const times = await page.evaluate(async () => {
    const video = document.querySelector('video');
    const took = [];
    for (const part of [0.9, 0.2, 0.7, 0.05, 0.5, 0.33, 0.81, 0.6]) {
      const from = performance.now();
      const shown = new Promise((done) => video.requestVideoFrameCallback(done));
      video.currentTime = video.duration * part;
      await shown;
      took.push(performance.now() - from);
    }
    return took.sort((a, b) => a - b);
  });
  const middle = times[times.length / 2];
  check('seeking shows a frame in time', middle <= SEEK_MAX, `median ${middle.toFixed(0)} ms, longest ${times.at(-1).toFixed(0)} ms`);
}

async function notes(page) {
  await step('a note is written with the keyboard and seen at its place', async () => {
    await page.locator('h1').click();
    await page.keyboard.press('b');
    await page.keyboard.type('Kiểm tra lại số hộ sơ tán');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: /Kiểm tra lại số hộ sơ tán/u }).waitFor();
  });
  await step('it is removed, and brought back', async () => {
    await page.getByRole('button', { name: /^Xóa ghi chú tại/u }).click();
    await page.getByText(vi('player.notes_none'), { exact: true }).waitFor();
    await page.getByRole('button', { name: vi('action.undo') }).click();
    await page.getByRole('button', { name: /Kiểm tra lại số hộ sơ tán/u }).waitFor();
  });
}

async function looks(page) {
  for (const [width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    await page.evaluate(() => scrollTo(0, 0));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(`the page fits into ${width} pixels`, wide <= 0, `${wide} pixels too wide`);
    const bar = page.locator('[data-timeline]');
    await bar.hover({ position: { x: 100, y: 10 } });
    await chromium.shot(page, `review-${width}`);
    await axe(page, `the review page, ${width} pixels wide`);
  }
}
