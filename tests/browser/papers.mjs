//! Documents in Chromium: uploaded by the office, put on every screen, leafed through by messages of a few bytes, read
//! on a telephone; an agenda that brings its document along; files and commands that are refused.

import { deflateRawSync } from 'node:zlib';

import * as act from './acts.mjs';
import { axe } from './axe.mjs';
import { check, note, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';
import { vi } from './words.mjs';

const SITES = [
  { file: 'lethuy', short: 'Xã Lệ Thủy', name: 'Điểm cầu xã Lệ Thủy', declared: { headcount: 37, local_chair: 'Đ/c Trần Thị Hồng' } },
  { file: 'donghoi', short: 'Phường Đồng Hới', name: 'Điểm cầu phường Đồng Hới', declared: { headcount: 12, local_chair: 'Đ/c Lê Văn Hải' } },
];
const REPORT = 'Báo cáo phòng, chống thiên tai.pdf';
const PAGES = 12;

export async function papers() {
  const server = await Server.create();
  const open = [];
  try {
    await step('the server starts with demonstration data', () => server.start('--demo'));
    const world = await gather(server, open);
    await upload(world);
    await refused(world);
    await onScreens(world);
    await presenter(world);
    await telephone(world);
    await agenda(world);
    await secondWindow(world);
    await forged(world);
    await removed(world);
    const errors = open.flatMap((it) => it.errors).filter((text) => !/Failed to load resource/u.test(text));
    check('no page reported an error', errors.length === 0, errors.slice(0, 5).join(' | '));
  } catch (error) {
    for (const { page, site } of open) await chromium.shot(page, `papers-failed-${site}`).catch(() => {});
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
  const wanted = units.flatMap((unit) => unit.sites).filter((site) => SITES.some((it) => it.name === site.name));
  const made = await host('/api/meetings', {
    method: 'POST',
    body: JSON.stringify({ title: 'Hội nghị phòng, chống thiên tai', venue: 'Hội trường UBND tỉnh', scheduled_at: Date.now(), sites: wanted.map((it) => it.id) }),
  });
  const { id } = await made.json();
  const links = await (await host(`/api/meetings/${id}/links`)).json();
  const office = await launch('chair');
  return { server, id, host, links, office, launch, open };
}

/** The office uploads before the meeting; pages are drawn while it looks. */
async function upload(world) {
  const { server, id, office, host, links, launch } = world;
  await step('the office uploads a document before the meeting', async () => {
    await act.signIn(office.page, server, 'Văn phòng');
    await office.page.goto(`${server.url}/hoi-nghi/${id}`);
    await office.page.getByRole('tab', { name: vi('meeting.tab_papers'), exact: true }).click();
    await office.page.locator('input[type=file]').setInputFiles([
      { name: REPORT, mimeType: 'application/pdf', buffer: pdf(PAGES) },
      { name: 'Ảnh hiện trường.png', mimeType: 'image/png', buffer: PNG },
    ]);
    await office.page.locator(`[data-paper-row="${REPORT}"][data-phase=ready]`).waitFor();
    await office.page.locator('[data-paper-row="Ảnh hiện trường.png"][data-phase=ready]').waitFor();
  });
  await sizes(office.page, 'papers-office');
  await host(`/api/meetings/${id}/open`, { method: 'POST' });
  world.chair = await launch('chair');
  await step('the chair takes the chair', async () => {
    await act.signIn(world.chair.page, server, 'Chủ trì');
    await act.enterFromOffice(world.chair.page, server, id);
  });
  world.sites = [];
  for (const site of SITES) {
    const browser = await launch(site.file);
    const link = links.find((it) => it.site_name === site.name);
    await step(`${site.name} joins`, () => act.enterByLink(browser.page, server, link.path, site.declared));
    world.sites.push({ ...site, ...browser, link });
  }
  const list = await (await host(`/api/meetings/${id}/papers`)).json();
  world.paper = list.find((it) => it.name === REPORT);
  check('its pages are counted', world.paper.pages === PAGES && world.paper.drawn === PAGES);
}

/** Files that pretend, bombs, strangers. */
async function refused({ server, id, host, paper }) {
  const send = async (name, body) => {
    const began = performance.now();
    const answer = await host(`/api/meetings/${id}/papers?name=${encodeURIComponent(name)}`, { method: 'POST', body });
    return { status: answer.status, code: (await answer.json()).code, ms: Math.round(performance.now() - began) };
  };
  const files = [
    ['an executable under another name', 'Báo cáo.pdf', Buffer.from('MZ\x90\x00 this program cannot be run'), 'paper_kind_unknown'],
    ['a zip bomb', 'Bom.docx', bomb(), 'paper_bomb'],
    ['a picture of 100,000 pixels', 'Ảnh.png', hugePng(), 'paper_bomb'],
    ['a damaged PDF', 'Hỏng.pdf', Buffer.from('%PDF-1.7 and nothing more'), 'paper_unreadable'],
  ];
  for (const [what, name, body, code] of files) {
    const answer = await send(name, body);
    check(`${what} is refused`, answer.status === 422 && answer.code === code, `${answer.code} after ${answer.ms} ms`);
  }
  const pages = `/api/meetings/${id}/papers/${paper.id}/pages`;
  const answers = await Promise.all([
    fetch(`${server.url}${pages}/1`), host(`${pages}/99`), host(`${pages}/0`), host(`${pages}/1?size=huge`),
    fetch(`${server.url}${pages}/1`, { headers: { authorization: 'Bearer nobody' } }), host(`${pages}/1`),
  ]);
  check('a page is for those who may read it', answers.map((it) => it.status).join() === '401,404,404,400,401,200', answers.map((it) => it.status).join());
  const headers = answers[5].headers;
  check('a page is kept by the browser, and is nothing but a picture',
    headers.get('content-type') === 'image/jpeg' && headers.get('x-content-type-options') === 'nosniff' && /private.*immutable/u.test(headers.get('cache-control')));
  const file = await host(`/api/meetings/${id}/papers/${paper.id}/file`);
  check('the file is only ever saved', /^attachment; filename\*=UTF-8''B%C3%A1o/u.test(file.headers.get('content-disposition')), file.headers.get('content-disposition'));
  const desk = await server.signIn('Kỹ thuật');
  const tried = await desk(`/api/meetings/${id}/papers?name=a.pdf`, { method: 'POST', body: pdf(1) });
  check('the control desk uploads nothing', tried.status === 403);
}

const shownPage = (page) => page.locator('[data-page-shown]').first().getAttribute('data-page-shown');
const sees = (page, number) => until(`page ${number} is on the screen`, 15, async () => (await shownPage(page)) === String(number));

async function onScreens({ chair, sites, id, launch, server }) {
  await step('the chair puts it on every screen', async () => {
    await chair.page.getByRole('tab', { name: vi('paper.title'), exact: true }).click();
    await chair.page.locator(`[data-paper-row="${REPORT}"]`).getByRole('button', { name: vi('paper.show'), exact: true }).click();
    for (const { page } of [chair, ...sites]) await sees(page, 1);
  });
  await sizes(chair.page, 'papers-chair');
  await sizes(sites[0].page, 'papers-site');
  const bytes = await sites[0].page.evaluate(spyOnBytes);
  check('the site hears messages', bytes === 0);
  const times = [];
  await step('pages are turned by keys', async () => {
    await chair.page.locator('body').press('PageDown');
    await sees(sites[0].page, 2);
    for (const [key, page] of [['PageDown', 3], ['PageUp', 2], ['End', PAGES], ['Home', 1], ['PageDown', 2], ['PageDown', 3]]) {
      const began = performance.now();
      await chair.page.keyboard.press(key);
      for (const { page: screen } of sites) await sees(screen, page);
      times.push(Math.round(performance.now() - began));
    }
  });
  const heard = await sites[0].page.evaluate(() => window.__turns);
  const mean = Math.round(heard.reduce((sum, it) => sum + it, 0) / Math.max(1, heard.length));
  check('a page turn is a few bytes at a site', heard.length === 7 && Math.max(...heard) < 200, `${mean} bytes; seen at both sites after ${times.join(', ')} ms`);
  await step('the strip of thumbnails goes to a page', async () => {
    await chair.page.getByRole('button', { name: vi('paper.strip'), exact: true }).click();
    await chair.page.getByRole('button', { name: vi('paper.to_page', { page: 5 }), exact: true }).click();
    await sees(sites[1].page, 5);
    await chair.page.waitForTimeout(400);
    await chromium.shot(chair.page, 'papers-strip');
    await axe(chair.page, 'a document on every screen');
    await chair.page.getByRole('spinbutton', { name: vi('paper.go_to') }).fill('7');
    await chair.page.getByRole('spinbutton', { name: vi('paper.go_to') }).press('Enter');
    await sees(sites[1].page, 7);
    await chair.page.getByRole('button', { name: vi('paper.strip'), exact: true }).click();
  });
  await step('who comes late sees the page that is on', async () => {
    const late = await launch('gioilinh');
    await act.signIn(late.page, server, 'Thư ký');
    await act.enterFromOffice(late.page, server, id);
    await sees(late.page, 7);
    await late.page.getByRole('tab', { name: vi('paper.title'), exact: true }).click();
    await chromium.shot(late.page, 'papers-secretary');
    await late.browser.close();
  });
}

/** Runs in the page: counts the bytes of every page turn that comes. */
function spyOnBytes() {
  window.__turns = [];
  const socket = window.__spy.sockets.findLast((it) => it.readyState === WebSocket.OPEN && it.url.endsWith('/ws'));
  socket.addEventListener('message', (event) => {
    if (event.data.includes('"turned"')) window.__turns.push(event.data.length);
  });
  return window.__turns.length;
}

async function presenter({ chair, sites }) {
  const [site] = sites;
  await step('the site that speaks presents by itself', async () => {
    await chair.page.locator('.bar').getByRole('button', { name: vi('paper.end'), exact: true }).click();
    await act.invite(chair.page, site.short);
    await site.page.getByRole('button', { name: vi('paper.title'), exact: true }).click();
    const dialog = site.page.getByRole('dialog');
    await chromium.shot(site.page, 'papers-choice');
    await axe(site.page, "a site's choice of documents");
    await dialog.getByRole('listitem').filter({ hasText: REPORT }).getByRole('button', { name: vi('paper.show') }).click();
    await sees(sites[1].page, 1);
    await site.page.locator('body').press('PageDown');
    await sees(sites[1].page, 2);
    await sizes(site.page, 'papers-presenter');
  });
  await step('its document goes with the floor', async () => {
    await act.thank(chair.page);
    await until('no document is on the screens', 10, async () => (await chromium.room(sites[1].page)).papers.on_air === null);
  });
}

async function telephone({ server, host, id, chair, sites, launch }) {
  const listed = await host(`/api/meetings/${id}/delegates`, {
    method: 'POST',
    body: JSON.stringify({ site: (await chromium.room(chair.page)).participants.find((it) => it.name === SITES[0].name).site, delegates: [{ name: 'Nguyễn Văn An', title: 'Bí thư Đảng ủy', votes: true }] }),
  });
  const [delegate] = await listed.json();
  const phone = await launch('gioilinh', { width: 390, height: 844 });
  await step('a delegate reads freely on the telephone', async () => {
    await phone.page.goto(`${server.url}${delegate.path}`);
    const enter = phone.page.getByRole('button', { name: vi('join.enter'), exact: true });
    await enter.or(phone.page.getByText(REPORT)).first().waitFor();
    if (await enter.isVisible()) await enter.click();
    await phone.page.getByRole('button', { name: REPORT }).click();
    await sees(phone.page, 1);
    await phone.page.getByRole('button', { name: vi('paper.next'), exact: true }).click();
    await sees(phone.page, 2);
  });
  await chromium.shot(phone.page, 'papers-phone');
  await axe(phone.page, "the delegate's reader");
  await step('or follows the hall', async () => {
    await chair.page.getByRole('tab', { name: vi('paper.title'), exact: true }).click();
    await chair.page.locator(`[data-paper-row="${REPORT}"]`).getByRole('button', { name: vi('paper.show'), exact: true }).click();
    await phone.page.getByRole('checkbox', { name: vi('paper.follow') }).check();
    await sees(phone.page, 1);
    await chair.page.locator('body').press('End');
    await sees(phone.page, PAGES);
    await phone.page.getByRole('button', { name: vi('paper.before'), exact: true }).click();
    await sees(phone.page, PAGES - 1);
    check('the hall stays where it is', (await shownPage(sites[0].page)) === String(PAGES));
  });
  await chromium.shot(phone.page, 'papers-phone-follow');
  await phone.browser.close();
}

/** One press moves regime, floor, scene, document and clock. */
async function agenda({ chair, sites }) {
  const page = chair.page;
  await step('an agenda item carries regime, speaker and document', async () => {
    await page.locator('.bar').getByRole('button', { name: vi('paper.end'), exact: true }).click();
    await page.getByRole('button', { name: vi('agenda.edit'), exact: true }).click();
    await page.getByLabel(vi('agenda.items'), { exact: true }).fill('Quán triệt văn bản | 10\nTham luận | 15\nKết luận | 5');
    const row = (title) => page.getByRole('group', { name: vi('agenda.presenter', { title }), exact: true });
    await row('Quán triệt văn bản').getByLabel(vi('agenda.regime_short'), { exact: true }).selectOption({ label: vi('conduct.regime.lecture') });
    await row('Tham luận').getByLabel(vi('agenda.presenter_short'), { exact: true }).selectOption({ label: SITES[0].short });
    await row('Tham luận').getByLabel(vi('agenda.regime_short'), { exact: true }).selectOption({ label: vi('conduct.regime.conducted') });
    await row('Tham luận').getByLabel(vi('agenda.paper_short'), { exact: true }).selectOption({ label: REPORT });
    await sizes(page, 'papers-agenda');
    await page.getByRole('button', { name: vi('agenda.save'), exact: true }).click();
    await page.getByRole('button', { name: vi('agenda.begin'), exact: true }).click();
    await until('the regime changed', 10, async () => (await chromium.room(sites[1].page)).conduct.regime === 'lecture');
  });
  await step('the next item brings all of it at once', async () => {
    await page.getByRole('button', { name: vi('agenda.next'), exact: true }).click();
    await until('floor, regime, document and item are there', 10, async () => {
      const room = await chromium.room(sites[1].page);
      const holder = room.participants.find((it) => it.id === room.floor?.participant);
      return holder?.name === SITES[0].name && room.conduct.regime === 'conducted' && room.papers.on_air?.page === 1 && room.agenda.current === 1;
    });
    await sees(sites[1].page, 1);
  });
  await step('and the one after it takes it away', async () => {
    await page.getByRole('button', { name: vi('agenda.next'), exact: true }).click();
    await until('the screens are free', 10, async () => {
      const room = await chromium.room(sites[1].page);
      return room.papers.on_air === null && room.floor === null && room.agenda.current === 2;
    });
  });
}

/** The television shows the programme alone; the controls are in a window of the same seat. */
async function secondWindow({ chair, sites }) {
  const [site] = sites;
  const nav = site.page.getByRole('navigation', { name: vi('room.controls') });
  const controls = await step('a site takes its controls into a window of their own', async () => {
    await site.page.getByRole('button', { name: vi('room.devices.short'), exact: true }).click();
    const popup = site.page.waitForEvent('popup');
    await site.page.getByRole('button', { name: vi('second.open'), exact: true }).click();
    const page = await popup;
    await page.getByRole('navigation', { name: vi('room.controls') }).waitFor();
    await nav.waitFor({ state: 'detached' });
    return page;
  });
  const peers = await chromium.peers(site.page);
  await step('its buttons act for the seat', async () => {
    await controls.getByRole('button', { name: vi('room.hand.raise'), exact: true }).click();
    await until('the hand is up', 10, async () => (await chromium.room(chair.page)).queue.length === 1);
    await act.invite(chair.page, site.short);
    await controls.getByRole('button', { name: vi('room.floor.give_back'), exact: true }).waitFor();
    await controls.getByRole('button', { name: vi('paper.title'), exact: true }).click();
    await controls.getByRole('dialog').getByRole('listitem').filter({ hasText: REPORT }).getByRole('button', { name: vi('paper.show') }).click();
    await sees(sites[1].page, 1);
    await controls.getByRole('button', { name: vi('paper.next'), exact: true }).click();
    await sees(sites[1].page, 2);
    await controls.setViewportSize({ width: 620, height: 860 });
    await controls.waitForTimeout(400);
    await chromium.shot(controls, 'second-controls');
    await chromium.shot(site.page, 'second-programme');
    check('the programme has no controls on it', (await site.page.getByRole('button').count()) === 0);
  });
  await step('closed, the programme goes on and has its controls again', async () => {
    await controls.close();
    await nav.waitFor();
    await sees(site.page, 2);
    check('it is the same media connection', (await chromium.peers(site.page)) === peers);
    await site.page.getByRole('button', { name: vi('room.floor.give_back'), exact: true }).click();
    await until('the floor is free', 10, async () => (await chromium.room(chair.page)).floor === null);
  });
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

async function forged({ chair, sites, paper }) {
  const unknown = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
  const scene = { name: 'A', layout: 'document', places: [], text: '', paper: unknown, countdown_s: 0 };
  const item = { title: 'A', minutes: 0, site: null, regime: null, scene: null, paper: unknown };
  const cases = [
    [sites[1].page, { type: 'paper', act: 'show', paper: paper.id, page: 1 }, 'forbidden'],
    [sites[1].page, { type: 'paper', act: 'end' }, 'forbidden'],
    [chair.page, { type: 'paper', act: 'show', paper: unknown, page: 1 }, 'paper_unknown'],
    [chair.page, { type: 'paper', act: 'show', paper: paper.id, page: PAGES + 1 }, 'paper_page_unknown'],
    [chair.page, { type: 'paper', act: 'turn', page: 1 }, 'paper_not_shown'],
    [chair.page, { type: 'scene', act: 'save', scene: null, version: 0, content: scene }, 'paper_unknown'],
    [chair.page, { type: 'agenda', act: 'set', items: [item] }, 'paper_unknown'],
  ];
  for (const [page, command, code] of cases) {
    const answer = await page.evaluate(forge, command);
    check(`${command.type} ${command.act} of what may not be is refused with ${code}`, answer === code && vi(`error.${code}`).length > 10, answer);
  }
}

async function removed({ chair, sites, paper, id, server, host }) {
  const site = sites[1].page;
  await step('what is for the leaders alone is neither shown nor named elsewhere', async () => {
    const row = chair.page.locator(`[data-paper-row="${REPORT}"]`);
    await chair.page.getByRole('tab', { name: vi('paper.title'), exact: true }).click();
    await row.getByRole('button', { name: vi('paper.to_leaders'), exact: true }).click();
    await until('the site has forgotten it', 10, async () => !(await chromium.room(site)).papers.papers.some((it) => it.paper === paper.id));
    await row.getByRole('button', { name: vi('paper.show'), exact: true }).click();
    await chair.page.getByText(vi('error.paper_not_for_all')).first().waitFor();
    await row.getByRole('button', { name: vi('paper.to_all'), exact: true }).click();
    await until('the site has it again', 10, async () => (await chromium.room(site)).papers.papers.some((it) => it.paper === paper.id));
  });
  await step('a removed document leaves the screens at once', async () => {
    await chair.page.locator(`[data-paper-row="${REPORT}"]`).getByRole('button', { name: vi('paper.show'), exact: true }).click();
    await sees(site, 1);
    const office = await host(`/api/meetings/${id}/papers/${paper.id}`, { method: 'DELETE' });
    check('it is removed', office.status === 204);
    await until('the screens are free', 10, async () => {
      const { papers: view } = await chromium.room(site);
      return view.on_air === null && view.papers.length === 1;
    });
  });
  const secretary = await server.signIn('Thư ký');
  const facts = await (await secretary(`/api/meetings/${id}/facts`)).json();
  const acts = new Set(facts.filter((it) => it.fact.type === 'paper').map((it) => it.fact.act));
  check('every act of it is in the log', ['added', 'shown', 'turned', 'ended', 'removed'].every((it) => acts.has(it)), [...acts].join());
}

/** At the three sizes that pages are looked at. */
async function sizes(page, name) {
  const before = page.viewportSize();
  for (const [width, height] of [[1366, 768], [1920, 1080], [390, 844]]) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(250);
    await chromium.shot(page, `${name}-${width}`);
  }
  await page.setViewportSize(before);
}

/** A PDF of landscape pages with a number and some lines each. */
function pdf(pages) {
  const objects = ['<< /Type /Catalog /Pages 2 0 R >>', '', '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'];
  const kids = [];
  for (let page = 1; page <= pages; page += 1) {
    const lines = Array.from({ length: 14 }, (_, line) => `BT /F 22 Tf 60 ${400 - line * 26} Td (${page}.${line + 1} Phong chong thien tai, tinh Quang Tri) Tj ET`);
    const text = `0.56 0.11 0.13 rg 0 500 960 40 re f 1 1 1 rg BT /F 24 Tf 40 511 Td (Bao cao) Tj ET 0 0 0 rg BT /F 60 Tf 40 435 Td (Trang ${page}) Tj ET ${lines.join(' ')}`;
    objects.push(`<< /Length ${text.length} >>\nstream\n${text}\nendstream`);
    const content = objects.length;
    objects.push(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 960 540] /Contents ${content} 0 R /Resources << /Font << /F 3 0 R >> >> >>`);
    kids.push(`${objects.length} 0 R`);
  }
  objects[1] = `<< /Type /Pages /Count ${pages} /Kids [${kids.join(' ')}] >>`;
  let text = '%PDF-1.4\n';
  const places = [];
  objects.forEach((object, index) => {
    places.push(text.length);
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
  });
  const start = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.map((it) => `${String(it).padStart(10, '0')} 00000 n \n`).join('')}`;
  return Buffer.from(`${text}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`, 'latin1');
}

/** An office file of 40 KB that says honestly that it unpacks to 40 MB. */
function bomb() {
  const entries = [['[Content_Types].xml', Buffer.from('<Types/>')], ['word/document.xml', Buffer.alloc(40_000_000, 32)]];
  const [bodies, list] = [[], []];
  let at = 0;
  for (const [name, bytes] of entries) {
    const packed = deflateRawSync(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    bodies.push(Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed);
    list.push(Buffer.from('PK\x01\x02\x14\x00'), common, rest, Buffer.from(name));
    at += 30 + name.length + packed.length;
  }
  const directory = Buffer.concat(list);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...bodies, directory, Buffer.from('PK\x05\x06'), end]);
}

/** One red pixel. */
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');

/** The head of a picture of 100,000 by 100,000 pixels; the sum is of IHDR with these numbers. */
function hugePng() {
  const head = Buffer.from(PNG.subarray(0, 33));
  head.writeUInt32BE(100_000, 16);
  head.writeUInt32BE(100_000, 20);
  head.writeUInt32BE(crc32(head.subarray(12, 29)), 29);
  return Buffer.concat([head, PNG.subarray(33)]);
}

function crc32(bytes) {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
