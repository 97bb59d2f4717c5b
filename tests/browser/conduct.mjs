//! The conduct of a meeting in Chromium: votes by cards, by delegates on telephones and in secret, with a site
//! that drops out and a page that forges; everything found again in the minutes.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as act from './acts.mjs';
import { axe } from './axe.mjs';
import { check, note, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';
import { vi } from './words.mjs';

const SITES = [
  {
    file: 'lethuy', short: 'Xã Lệ Thủy', name: 'Điểm cầu xã Lệ Thủy',
    declared: { headcount: 37, local_chair: 'Đ/c Trần Thị Hồng' },
  },
  {
    file: 'donghoi', short: 'Phường Đồng Hới', name: 'Điểm cầu phường Đồng Hới',
    declared: { headcount: 12, local_chair: 'Đ/c Lê Văn Hải' },
  },
];
const DELEGATES = ['Nguyễn Văn An, Bí thư Đảng ủy', 'Trần Thị Ước, Chủ tịch UBND'];
const ABSENT = 'Điểm cầu xã Gio Linh';
const CONCLUSION = 'Giao các xã ven sông hoàn thành sơ tán trước 17 giờ.';
const QUESTION = 'Thông qua dự thảo Nghị quyết về phòng, chống thiên tai';

export async function conduct() {
  const server = await Server.create();
  const open = [];
  try {
    await step('the server starts with demonstration data', () => server.start('--demo'));
    const world = await gather(server, open);
    await agenda(world);
    await roll(world);
    await cards(world);
    await delegates(world);
    await poll(world);
    await floor(world);
    await regimes(world);
    await minutes(world);
    const errors = open.flatMap((it) => it.errors).filter((text) => !/Failed to load resource/u.test(text));
    check('no page reported an error', errors.length === 0, errors.slice(0, 5).join(' | '));
  } catch (error) {
    for (const { page, site } of open) await chromium.shot(page, `conduct-failed-${site}`).catch(() => {});
    note(`the server's last words: ${server.log.slice(-8).join('\n')}`);
    throw error;
  } finally {
    for (const { browser } of open) await browser.close().catch(() => {});
    await server.stop();
  }
}

async function gather(server, open) {
  const launch = async (file, options) => {
    const browser = await chromium.open(file, options);
    open.push(browser);
    return browser;
  };
  const host = await server.signIn('Văn phòng');
  const units = await (await host('/api/units')).json();
  const wanted = units.flatMap((unit) => unit.sites).filter((site) => site.name === ABSENT || SITES.some((it) => it.name === site.name));
  const made = await host('/api/meetings', {
    method: 'POST',
    body: JSON.stringify({
      title: 'Kỳ họp chuyên đề', venue: 'Hội trường UBND tỉnh', scheduled_at: Date.now(), sites: wanted.map((it) => it.id),
    }),
  });
  const { id } = await made.json();
  await host(`/api/meetings/${id}/open`, { method: 'POST' });
  const links = await (await host(`/api/meetings/${id}/links`)).json();
  const chair = await launch('chair');
  await step('the chair takes the chair', async () => {
    await act.signIn(chair.page, server, 'Chủ trì');
    await act.enterFromOffice(chair.page, server, id);
  });
  const sites = [];
  for (const site of SITES) {
    const browser = await launch(site.file);
    const link = links.find((it) => it.site_name === site.name);
    await step(`${site.name} joins`, () => act.enterByLink(browser.page, server, link.path, site.declared));
    sites.push({ ...site, ...browser, link });
  }
  await until('both have declared', 20, async () => {
    const { participants } = await chromium.room(chair.page);
    return participants.filter((it) => it.headcount > 0).length === SITES.length;
  });
  return { server, id, chair, sites, open, launch };
}

const voteOf = async (page) => (await chromium.room(page)).vote;

async function openVote(page, method, title) {
  await page.getByRole('tab', { name: vi('vote.panel') }).click();
  const again = page.getByRole('button', { name: vi('vote.new'), exact: true });
  if (await again.count()) await again.click();
  await page.getByLabel(vi('vote.title'), { exact: true }).fill(title);
  await page.getByText(vi(`vote.method.${method}`), { exact: true }).click();
  await page.getByRole('button', { name: vi('vote.open'), exact: true }).click();
}

async function closeVote(page) {
  await page.getByRole('button', { name: vi('vote.close'), exact: true }).click();
  const sure = page.getByRole('dialog').getByRole('button', { name: vi('vote.close'), exact: true });
  await page.waitForTimeout(300);
  if (await sure.isVisible()) await sure.click();
  return until('the vote is counted', 15, async () => (await voteOf(page))?.outcome ?? null);
}

/** Runs in the page: says something that the page itself would not. */
function forge(command) {
  const socket = window.__spy.sockets.findLast((it) => it.readyState === WebSocket.OPEN && it.url.endsWith('/ws'));
  const id = `01ARZ3NDEKTSV4RRFF${String(Math.floor(Math.random() * 1e8)).padStart(8, '0')}`;
  return new Promise((done) => {
    socket.addEventListener('message', function heard(event) {
      const message = JSON.parse(event.data);
      if (message.id !== id || !['done', 'refused'].includes(message.type)) return;
      socket.removeEventListener('message', heard);
      done(message.type === 'done' ? 'done' : message.code);
    });
    socket.send(JSON.stringify({ type: 'command', id, command }));
  });
}

/** One press: the next item, the floor with its presenter, the main picture, the clock. */
async function agenda({ chair, sites }) {
  const page = chair.page;
  await step('the chair writes the agenda and names who presents', async () => {
    await page.getByRole('button', { name: vi('agenda.edit'), exact: true }).click();
    await page.getByLabel(vi('agenda.items'), { exact: true }).fill('Khai mạc | 10\nTham luận của địa phương | 15\nKết luận | 5');
    await page.getByRole('group', { name: vi('agenda.presenter', { title: 'Tham luận của địa phương' }), exact: true })
      .getByLabel(vi('agenda.presenter_short'), { exact: true }).selectOption({ label: SITES[0].short });
    await chromium.shot(page, 'agenda-edit');
    await page.getByRole('button', { name: vi('agenda.save'), exact: true }).click();
    await page.getByRole('button', { name: vi('agenda.begin'), exact: true }).click();
  });
  await step('the next item gives the floor and the picture to its presenter', async () => {
    await page.getByRole('button', { name: vi('agenda.next'), exact: true }).click();
    await until('the presenter has the floor', 10, async () => {
      const room = await chromium.room(sites[1].page);
      const holder = room.participants.find((it) => it.id === room.floor?.participant);
      return room.agenda.current === 1 && holder?.name === SITES[0].name && room.main.participant === holder.id;
    });
    await sites[1].page.getByText('Tham luận của địa phương').waitFor();
    await chromium.shot(page, 'agenda');
    await chromium.shot(sites[1].page, 'agenda-site');
  });
  await step('the chair concludes on the item', async () => {
    await page.getByRole('button', { name: vi('agenda.conclude'), exact: true }).click();
    await page.getByRole('textbox', { name: vi('agenda.conclusion'), exact: true }).fill(CONCLUSION);
    await chromium.shot(page, 'agenda-conclude');
    await axe(page, 'the conclusion');
    await page.getByRole('button', { name: vi('agenda.conclusion_keep'), exact: true }).click();
    await until('every page has it', 10, async () =>
      (await chromium.room(sites[1].page)).agenda.conclusions.some((it) => it.text === CONCLUSION));
  });
  await step('and the one after it brings the hall back', async () => {
    await page.getByRole('button', { name: vi('agenda.next'), exact: true }).click();
    await until('the floor is free', 10, async () => {
      const room = await chromium.room(sites[1].page);
      return room.agenda.current === 2 && room.floor === null && room.main.participant === null;
    });
  });
}

/** The roll fills itself; the absent site has to be told; closed, it stays. */
async function roll({ server, id, chair, sites }) {
  const page = chair.page;
  await step('the chair takes the roll', async () => {
    await page.getByRole('tab', { name: vi('roll.panel') }).click();
    await page.getByRole('button', { name: vi('roll.open'), exact: true }).click();
    await page.getByText(vi('roll.sites', { present: 2, sites: 3 }), { exact: true }).waitFor();
    await page.getByText(vi('roll.delegates', { count: 49 }), { exact: true }).waitFor();
  });
  await step('walking through it, each site comes on the screen', async () => {
    // In protocol order: Đồng Hới is a ward and comes first.
    for (const site of [...sites].reverse()) {
      await page.getByRole('button', { name: vi('roll.call_next'), exact: true }).click();
      await until(`${site.short} is the main picture`, 10, async () => {
        const room = await chromium.room(sites[0].page);
        return room.participants.find((it) => it.id === room.main.participant)?.name === site.name;
      });
    }
  });
  await chromium.shot(page, 'roll-open');
  await step('it is closed when the absent site has a reason', async () => {
    await page.getByRole('button', { name: vi('roll.close'), exact: true }).click();
    await page.getByText(vi('error.roll_incomplete')).first().waitFor();
    await page.getByTitle(vi('roll.edit_name', { name: ABSENT })).click();
    await page.getByLabel(vi('roll.reason')).fill('Mất điện do bão');
    await page.getByRole('button', { name: vi('roll.save'), exact: true }).click();
    await page.getByRole('button', { name: vi('roll.close'), exact: true }).click();
    await page.getByText(vi('roll.frozen'), { exact: true }).waitFor();
  });
  await chromium.shot(page, 'roll-closed');
  const rows = (await chromium.room(page)).roll.rows;
  check('the roll has its three rows', rows.length === 3 && rows.filter((it) => it.state === 'online').length === 2);
  const secretary = await server.signIn('Thư ký');
  const csv = await (await secretary(`/api/meetings/${id}/roll.csv`)).text();
  check('the CSV has the reason', csv.includes('Mất điện do bão') && csv.includes('"Vắng mặt"'));
  const xlsx = Buffer.from(await (await secretary(`/api/meetings/${id}/roll.xlsx`)).arrayBuffer());
  check('the workbook is one', xlsx.subarray(0, 2).toString() === 'PK');
  const pdf = join(chromium.OUT, 'roll.pdf');
  writeFileSync(pdf, Buffer.from(await (await secretary(`/api/meetings/${id}/roll.pdf`)).arrayBuffer()));
  const text = spawnSync('pdftotext', ['-layout', pdf, '-'], { encoding: 'utf8' }).stdout.replace(/\s+/gu, ' ');
  check('the PDF has its sums', text.includes('2/3 điểm cầu, 49 đại biểu') && text.includes('Mất điện do bão'), text.slice(0, 300));
}

async function cards({ chair, sites }) {
  await step('the chair opens a show of cards', () => openVote(chair.page, 'cards', QUESTION));
  const vote = await until('it is open at the sites', 10, async () => voteOf(sites[0].page));
  await chromium.shot(sites[0].page, 'vote-site');
  const [first, second] = sites;
  const cast = (tally) => ({ type: 'vote', act: 'cast', vote: vote.vote, participant: null, tally });
  check('a tally above the headcount is refused',
    (await first.page.evaluate(forge, cast({ agree: 38, disagree: 0, blank: 0 }))) === 'tally_mismatch');
  check('a site cannot close the vote',
    (await first.page.evaluate(forge, { type: 'vote', act: 'close', vote: vote.vote })) === 'forbidden');
  await step('Lệ Thủy sends its three numbers', async () => {
    const field = (choice) => first.page.getByLabel(vi(`vote.choice.${choice}`), { exact: true });
    await field('agree').fill('35');
    await field('disagree').fill('3');
    check('the page refuses 38 of 37 before it is sent',
      await first.page.getByRole('button', { name: vi('vote.send'), exact: true }).isDisabled());
    await field('disagree').fill('2');
    await first.page.getByRole('button', { name: vi('vote.send'), exact: true }).click();
    await first.page.getByText(vi('vote.done_counts', { words: 'Đồng ý 35, Không đồng ý 2' })).waitFor();
  });
  check('what was cast stands', (await first.page.evaluate(forge, cast({ agree: 37, disagree: 0, blank: 0 }))) === 'already_cast');
  await chromium.shot(chair.page, 'vote-chair-open');
  await step('Đồng Hới drops out in the middle, comes back and votes once', async () => {
    await second.page.reload();
    await second.page.getByRole('button', { name: vi('vote.all_agree', { count: 12 }), exact: true }).click();
    await second.page.getByRole('button', { name: vi('vote.send'), exact: true }).click();
    await until('it is in', 10, async () => (await voteOf(chair.page)).casts.length === 2);
  });
  const outcome = await step('the chair closes and the result is right', () => closeVote(chair.page));
  check('47 agree, 2 do not', JSON.stringify(outcome.tally) === '{"agree":47,"disagree":2,"blank":0}', JSON.stringify(outcome.tally));
  check('it is adopted', outcome.adopted === true && outcome.eligible === 49);
  check('a vote after closing is refused', (await second.page.evaluate(forge, cast({ agree: 12, disagree: 0, blank: 0 }))) === 'vote_not_running');
  await chromium.shot(chair.page, 'vote-chair-result');
  await chromium.shot(sites[1].page, 'vote-site-result');
}

async function delegates(world) {
  const { server, chair, sites, launch } = world;
  const site = sites[0].page;
  await step('Lệ Thủy names two delegates and shows a code', async () => {
    const close = site.getByRole('button', { name: vi('action.close'), exact: true });
    if (await close.count()) await close.first().click();
    await site.getByRole('button', { name: vi('delegate.names'), exact: true }).click();
    await site.getByLabel(vi('delegate.add'), { exact: true }).fill(DELEGATES.join('\n'));
    await site.getByRole('button', { name: vi('delegate.add_do', { count: 2 }), exact: true }).click();
    await site.getByRole('button', { name: vi('delegate.code'), exact: true }).first().click();
    await chromium.shot(site, 'delegate-names');
    await site.keyboard.press('Escape');
  });
  const listed = await (await fetch(`${server.url}/api/join/${sites[0].link.path.split('/').at(-1)}/delegates`)).json();
  world.phones = [];
  const telephone = await launch('gioilinh', { width: 390, height: 844 });
  for (const [index, delegate] of listed.entries()) {
    const page = index === 0 ? telephone.page : await telephone.window();
    await step(`${delegate.name} comes in on a telephone`, async () => {
      await page.goto(`${server.url}${delegate.path}`);
      await page.getByRole('button', { name: vi('join.enter'), exact: true }).click();
      await page.getByRole('heading', { name: delegate.name }).waitFor();
    });
    world.phones.push(page);
  }
  const [one, other] = world.phones;
  await step('the chair opens a vote of the delegates', () => openVote(chair.page, 'delegates', 'Thông qua chương trình kỳ họp'));
  await step('both vote with two presses', async () => {
    for (const [page, choice] of [[one, 'agree'], [other, 'blank']]) {
      await page.getByRole('radio', { name: vi(`vote.choice.${choice}`), exact: true }).click();
      if (page === one) await chromium.shot(page, 'vote-delegate');
      await page.getByRole('button', { name: vi('vote.send_choice', { choice: vi(`vote.choice.${choice}`) }), exact: true }).click();
    }
    await until('both are in', 10, async () => (await voteOf(chair.page)).casts.length === 2);
  });
  const outcome = await closeVote(chair.page);
  check('one agrees, one is blank', outcome.tally.agree === 1 && outcome.tally.blank === 1, JSON.stringify(outcome.tally));
  check('half is not more than half', outcome.adopted === false);
  await chromium.shot(one, 'vote-delegate-result');
  check('a telephone asks for no camera', (await chromium.peers(one)) === 0);
}

async function poll({ server, id, chair, phones }) {
  const [one, other] = phones;
  await step('the chair opens a secret poll', async () => {
    await openVote(chair.page, 'poll', 'Thời gian tổ chức hội nghị sơ kết');
    await chromium.shot(chair.page, 'poll-chair');
    await until('both have a ballot', 20, async () => (await voteOf(chair.page)).casts.length === 2);
  });
  await step('both cast their ballots', async () => {
    for (const [page, choice] of [[one, 'disagree'], [other, 'agree']]) {
      await page.getByRole('radio', { name: vi(`vote.choice.${choice}`), exact: true }).click();
      if (page === one) await chromium.shot(page, 'poll-delegate');
      await page.getByRole('button', { name: vi('vote.send_choice', { choice: vi(`vote.choice.${choice}`) }), exact: true }).click();
      await page.getByText(vi('vote.done'), { exact: true }).waitFor();
    }
  });
  const vote = (await voteOf(chair.page)).vote;
  const keptBallot = await one.evaluate((it) => JSON.parse(localStorage.getItem(`diemcau.ballot.${it}`)), vote);
  const send = (body) => fetch(`${server.url}/api/ballots`, {
    method: 'POST', headers: { 'content-type': 'application/json', origin: server.url }, body: JSON.stringify(body),
  });
  const ballot = { vote, serial: keptBallot.ballot.serial, signature: keptBallot.signature };
  check('the same ballot again changes nothing', (await send({ ...ballot, choice: 'disagree' })).status === 204);
  check('with another answer it is refused', (await send({ ...ballot, choice: 'agree' })).status === 409);
  const forged = { ...ballot, serial: `${ballot.serial.slice(0, -2)}AA` };
  check('a ballot that nobody signed is refused', (await send({ ...forged, choice: 'agree' })).status === 403);
  const outcome = await closeVote(chair.page);
  check('the poll is counted', outcome.tally.agree === 1 && outcome.tally.disagree === 1, JSON.stringify(outcome.tally));
  check('after the count nothing is taken', (await send({ ...ballot, serial: ballot.serial, choice: 'agree' })).status === 409);
  const secretary = await server.signIn('Thư ký');
  const facts = await (await secretary(`/api/meetings/${id}/facts`)).text();
  check('the log names no ballot', !facts.includes(ballot.serial) && !facts.includes(ballot.signature));
  const list = await (await secretary(`/api/meetings/${id}/votes/${vote}/ballots`)).json();
  check('the ballots are published, by their numbers', list.some((it) => it.serial === ballot.serial && it.choice === 'disagree') && list.length === 2);
}

/** A delegate asks on its telephone, is asked to prepare, and is invited to its site's microphone. */
async function floor({ chair, sites, phones }) {
  const [phone] = phones;
  const site = sites[0].page;
  await step('a delegate asks for the floor on its telephone', async () => {
    await phone.getByRole('button', { name: vi('room.hand.raise'), exact: true }).click();
    await phone.getByText(vi('delegate.place', { place: 1 }), { exact: true }).waitFor();
  });
  await step('the chair sets five minutes and asks it to prepare', async () => {
    await chair.page.getByLabel(vi('conduct.limit'), { exact: true }).selectOption('300');
    await chair.page.getByRole('button', { name: /Báo Nguyễn Văn An/u }).click();
    await site.getByText(vi('conduct.next_delegate', { name: DELEGATES[0] }), { exact: true }).waitFor();
    await phone.getByText(vi('conduct.next_you'), { exact: true }).waitFor();
  });
  await chromium.shot(chair.page, 'floor-queue');
  await chromium.shot(site, 'floor-prepare');
  await step('invited, it speaks at the microphone of its site', async () => {
    const began = Date.now();
    await chair.page.getByTitle(vi('room.invite_name', { name: DELEGATES[0] })).first().click();
    await site.getByText(vi('conduct.invited_delegate', { name: DELEGATES[0] }), { exact: true }).waitFor();
    note(`the site saw the invitation after ${Date.now() - began} ms`);
    const room = await chromium.room(sites[1].page);
    const holder = room.participants.find((it) => it.id === room.floor.participant);
    check('the site holds the floor and is the main picture', holder.name === SITES[0].name && room.main.participant === holder.id);
    check('its delegate is named', room.participants.find((it) => it.id === room.floor.speaker).name === DELEGATES[0]);
  });
  await phone.waitForTimeout(500);
  await chromium.shot(sites[1].page, 'floor-speaks');
  await chromium.shot(chair.page, 'floor-speaks-chair');
  await chromium.shot(phone, 'floor-phone');
}

/** Live from regime to regime: who is not granted is not heard, whatever its page says. */
async function regimes({ chair, sites }) {
  const [first, second] = sites;
  const regime = async (name) => {
    await chair.page.getByRole('radio', { name: vi(`conduct.regime.${name}`), exact: true }).click();
    await until(`the regime is ${name}`, 10, async () => (await chromium.room(second.page)).conduct.regime === name);
  };
  const mine = async (site) => (await chromium.room(site.page)).participants.find((it) => it.name === site.name);
  await step('a lecture takes the floor back and closes every site', async () => {
    await regime('lecture');
    const room = await chromium.room(second.page);
    check('nobody holds the floor', room.floor === null);
    check('no site is granted a microphone', room.participants.every((it) => it.role !== 'site' || !it.microphone_granted));
  });
  const self = await mine(first);
  check('a site that asks for the floor is told why not', (await first.page.evaluate(forge, { type: 'raise_hand', raised: true })) === 'floor_closed');
  check('a site cannot change the regime', (await first.page.evaluate(forge, { type: 'conduct', act: 'regime', regime: 'discussion' })) === 'forbidden');
  check('the chair cannot open a site in a lecture either',
    (await chair.page.evaluate(forge, { type: 'mute', participant: self.id, muted: false })) === 'floor_closed');
  await step('in a discussion a site opens its microphone itself and is heard', async () => {
    await regime('discussion');
    check('nobody is heard by surprise', (await mine(first)).self_muted && (await mine(first)).microphone_granted);
    await first.page.locator('body').press('m');
    await until('it is heard at the other site', 20, async () => {
      const { energy } = await chromium.reception(second.page);
      return (energy[self.publisher] ?? 0) > 1e-4;
    });
  });
  await step('conducted again, it is silent at the node while its page goes on sending', async () => {
    await first.page.evaluate(() => {
      for (const peer of window.__spy.peers) {
        for (const sender of peer.getSenders()) if (sender.track?.kind === 'audio') window.__microphone = sender.track;
      }
    });
    await regime('conducted');
    await first.page.evaluate(() => (window.__microphone.enabled = true));
    await first.page.waitForTimeout(2_500);
    const before = await chromium.reception(second.page);
    await first.page.waitForTimeout(3_000);
    const after = await chromium.reception(second.page);
    const energy = ((after.energy[self.publisher] ?? 0) - (before.energy[self.publisher] ?? 0)) / 3;
    check('the other site hears nothing of it', energy < 1e-6, `energy ${energy.toExponential(1)}`);
  });
  for (const [width, height] of [[1920, 1080], [1024, 768], [820, 1180], [390, 844]]) {
    await chair.page.setViewportSize({ width, height });
    await chair.page.waitForTimeout(600);
    await chromium.shot(chair.page, `conduct-chair-${width}`);
    await axe(chair.page, `the chair's console, ${width} pixels wide`);
  }
  await chair.page.setViewportSize({ width: 1366, height: 768 });
}

async function minutes({ server, id, chair }) {
  await step('the meeting ends', () => act.endMeeting(chair.page));
  const secretary = await server.signIn('Thư ký');
  const document = await until('the minutes are drafted', 20, async () => {
    const answer = await secretary(`/api/meetings/${id}/minutes`);
    return answer.status === 200 ? (await answer.json()).document : null;
  });
  check('the agenda is in the minutes', document.opening.includes('Tham luận của địa phương'));
  check('what was concluded is in the minutes', document.conclusion === `Tham luận của địa phương: ${CONCLUSION}`, document.conclusion);
  check('who spoke is in the minutes', document.speeches.some((it) => it.speaker === DELEGATES[0]));
  check('three votes are in the minutes', document.votes.length === 3, `${document.votes.length}`);
  const pdf = await secretary(`/api/meetings/${id}/minutes.pdf`);
  const file = join(chromium.OUT, 'conduct-minutes.pdf');
  writeFileSync(file, Buffer.from(await pdf.arrayBuffer()));
  const text = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' }).stdout.replace(/\s+/gu, ' ');
  check('the printed minutes have the vote', text.includes(QUESTION) && text.includes('đồng ý 47 (95,9%)'), text.slice(0, 200));
}
