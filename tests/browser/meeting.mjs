//! One whole meeting in Chromium: created, joined by three sites, one invited, one muted against its will,
//! the process killed in the middle, ended, its recording and minutes examined.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as act from './acts.mjs';
import { check, note, sleep, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { custody } from './custody.mjs';
import * as probe from './probe.mjs';
import { review } from './review.mjs';
import { Server } from './server.mjs';

const TITLE = 'Giao ban công tác phòng chống bão lụt';
const SITES = [
  {
    file: 'lethuy', short: 'Xã Lệ Thủy', name: 'Điểm cầu xã Lệ Thủy',
    declared: { headcount: 37, local_chair: 'Đ/c Trần Thị Hồng' },
  },
  { file: 'donghoi', short: 'Phường Đồng Hới', name: 'Điểm cầu phường Đồng Hới' },
  { file: 'gioilinh', short: 'Xã Gio Linh', name: 'Điểm cầu xã Gio Linh' },
];

/** Sound energy (W3C: square of the level times seconds) per second above which somebody is heard, and
 * below which there is silence: comfort noise is four orders of magnitude lower. */
const HEARD = 1e-4;
const SILENT = 1e-6;

/** How long each part of the meeting is recorded, s. */
const PART = 12;

export async function meeting() {
  const server = await Server.create();
  const open = [];
  try {
    await step('the server starts with demonstration data', () => server.start('--demo'));
    const world = await gather(server, open);
    await speak(world);
    await silence(world);
    await crash(world);
    await finish(world);
    await recording(world);
    await review(world, { spoke: SITES.slice(0, 2).map((it) => it.name), silent: [SITES[2].name] });
    await minutes(world);
    await custody(world);
    const errors = open.flatMap((it) => it.errors).filter((text) => !isOfTheCrash(text));
    check('no page reported an error', errors.length === 0, errors.slice(0, 5).join(' | '));
  } catch (error) {
    for (const { page, site } of open) await chromium.shot(page, `failed-${site}`).catch(() => {});
    note(`the server's last words: ${server.log.slice(-8).join('\n')}`);
    throw error;
  } finally {
    for (const { browser } of open) await browser.close().catch(() => {});
    await server.stop();
  }
}

/** While the server is away, a browser says so by itself. */
function isOfTheCrash(text) {
  return /ERR_CONNECTION|WebSocket|Failed to load resource|NetworkError|Failed to fetch/u.test(text);
}

/** Host, chair and three sites, all in. */
async function gather(server, open) {
  const host = await launch(open, 'chair', 'host');
  const id = await step('the host creates a meeting and invites three sites', async () => {
    await act.signIn(host.page, server, 'Văn phòng');
    return act.createMeeting(host.page, server, {
      title: TITLE,
      venue: 'Hội trường UBND tỉnh',
      sites: SITES.map((it) => it.short),
    });
  });
  await chromium.shot(host.page, 'meeting');
  const links = await step('three join links are there, one a site', async () => {
    const answer = await host.page.evaluate((it) => fetch(`/api/meetings/${it}/links`).then((a) => a.json()), id);
    if (answer.length !== SITES.length) throw new Error(`${answer.length} links`);
    return answer;
  });
  await step('the host opens the room', () => act.openRoom(host.page, server, id));
  await host.browser.close();
  open.splice(open.indexOf(host), 1);

  const chair = await launch(open, 'chair');
  await step('the chair signs in and takes the chair', async () => {
    await act.signIn(chair.page, server, 'Chủ trì');
    await act.enterFromOffice(chair.page, server, id);
  });
  const sites = [];
  for (const site of SITES) {
    const browser = await launch(open, site.file);
    const link = links.find((it) => it.site_name === site.name);
    await step(`${site.name} joins by its link`, async () => {
      if (link === undefined) throw new Error(`no link of ${site.name}: ${links.map((it) => it.site_name)}`);
      await act.enterByLink(browser.page, server, link.path, site.declared);
    });
    sites.push({ ...site, ...browser });
  }
  const snapshot = await until('everybody is connected', 20, async () => {
    const room = await chromium.room(chair.page);
    const there = room.participants.filter((it) => it.connected);
    return there.length === SITES.length + 1 ? room : null;
  });
  for (const site of sites) {
    site.participant = snapshot.participants.find((it) => it.name === site.name);
    site.publisher = site.participant.publisher ?? site.participant.id;
  }
  const chairSeat = snapshot.participants.find((it) => it.role === 'chair');
  await step('every page decodes the chair\'s picture', () =>
    until('frames of the chair', 30, async () => {
      for (const site of sites) {
        const { frames } = await chromium.reception(site.page);
        if (!(frames[chairSeat.publisher ?? chairSeat.id] > 5)) return false;
      }
      return true;
    }),
  );
  return { server, id, chair, sites, open };
}

async function launch(open, file, name = file) {
  const browser = await chromium.open(file);
  browser.site = name;
  open.push(browser);
  return browser;
}

/** Recording on; the chair invites Lệ Thủy; all others see and hear it. */
async function speak(world) {
  const { chair, sites } = world;
  await step('the chair starts the recording', async () => {
    await act.startRecording(chair.page);
    await until('it records', 20, async () => (await chromium.room(chair.page)).recording?.healthy === true);
  });
  world.recordedFrom = Date.now();
  const speaker = sites[0];
  await step('the chair invites Lệ Thủy', async () => {
    await act.invite(chair.page, speaker.short);
    await until('it holds the floor', 10, async () =>
      (await chromium.room(chair.page)).floor?.participant === speaker.participant.id);
  });
  await sleep(2_000);
  await seenAndHeard(world, speaker, 'after the invitation');
  await chromium.shot(chair.page, 'console');
  await chromium.shot(sites[1].page, 'site');
  await chromium.shot(speaker.page, 'speaking');
  await act.writeMessage(chair.page, 'Kết luận: các xã ven sông hoàn thành sơ tán trước 18 giờ.');
}

/** Frames of the speaker's camera grow on every other page, and its voice is heard there. */
async function seenAndHeard(world, speaker, when) {
  const others = [world.chair, ...world.sites].filter((it) => it.page !== speaker.page);
  await until(`pictures of ${speaker.short}`, 20, async () => {
    for (const other of others) {
      const { frames } = await chromium.reception(other.page);
      if (!(frames[speaker.publisher] > 0)) return false;
    }
    return true;
  }).catch((error) => note(error.message));
  const before = await Promise.all(others.map((it) => chromium.reception(it.page)));
  const seconds = 4;
  await sleep(seconds * 1000);
  const after = await Promise.all(others.map((it) => chromium.reception(it.page)));
  for (const [index, other] of others.entries()) {
    const grown = (after[index].frames[speaker.publisher] ?? 0) - (before[index].frames[speaker.publisher] ?? 0);
    check(`${other.site} decodes ${speaker.short} ${when}`, grown >= seconds * 2, `${grown} frames in ${seconds} s`);
    const heard = (reception) => reception.energy[speaker.publisher] ?? 0;
    const energy = (heard(after[index]) - heard(before[index])) / seconds;
    check(`${other.site} hears ${speaker.short} ${when}`, energy > HEARD, `energy ${energy.toExponential(1)}`);
  }
}

/** The chair mutes everybody but the speaker's page forges itself open: nobody hears it. */
async function silence(world) {
  const { chair, sites } = world;
  const speaker = sites[0];
  const page = chair.page;
  await step('the chair mutes Lệ Thủy, and itself', async () => {
    await act.mute(page, speaker.short);
    await until('the grant is gone', 10, async () => {
      const room = await chromium.room(page);
      return room.participants.find((it) => it.id === speaker.participant.id)?.microphone_granted === false;
    });
    await page.keyboard.press('Escape');
    await page.locator('body').press('m');
  });
  const refused = await speaker.page.evaluate(tamper, speaker.participant.id);
  note(`tampering: ${JSON.stringify(refused)}`);
  await sleep(2_500);
  const seconds = 4;
  const before = await Promise.all(sites.map((it) => chromium.reception(it.page)));
  const sentBefore = await speaker.page.evaluate(audioSent);
  await sleep(seconds * 1000);
  const after = await Promise.all(sites.map((it) => chromium.reception(it.page)));
  const sent = (await speaker.page.evaluate(audioSent)) - sentBefore;
  check('the tampered page really sends sound', sent > 50, `${sent} packets`);
  for (const index of [1, 2]) {
    const energy = (after[index].total - before[index].total) / seconds;
    check(`${sites[index].short} hears nothing of the muted site`, energy < SILENT, `energy ${energy.toExponential(1)}`);
    const grown = (after[index].frames[speaker.publisher] ?? 0) - (before[index].frames[speaker.publisher] ?? 0);
    check(`${sites[index].short} still sees the muted site`, grown > 0, `${grown} frames`);
  }
  const room = await chromium.room(page);
  const still = room.participants.find((it) => it.id === speaker.participant.id);
  check('the forged unmute changed nothing in the room', still.microphone_granted === false);
  await page.locator('body').press('m');
}

/** Runs in the page: a dishonest site opens its microphone by force and asks the server for it. */
async function tamper(participant) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const [track] = stream.getAudioTracks();
  track.enabled = true;
  let senders = 0;
  for (const peer of window.__spy.peers.filter((it) => it.connectionState === 'connected')) {
    const line = peer.getTransceivers().find((it) => it.sender.track?.kind === 'audio' || it.receiver.track.kind === 'audio');
    line.direction = 'sendrecv';
    await line.sender.replaceTrack(track);
    senders += 1;
  }
  const socket = window.__spy.sockets.findLast((it) => it.readyState === WebSocket.OPEN && it.url.endsWith('/ws'));
  const id = (n) => `01ARZ3NDEKTSV4RRFFQ69G5FA${n}`;
  socket.send(JSON.stringify({ type: 'command', id: id(1), command: { type: 'mute', participant, muted: false } }));
  socket.send(JSON.stringify({ type: 'command', id: id(2), command: { type: 'mute_self', muted: false } }));
  return { senders };
}

/** Runs in the page: packets of sound that it has sent. */
async function audioSent() {
  let sent = 0;
  for (const peer of window.__spy.peers) {
    for (const entry of (await peer.getStats()).values()) {
      if (entry.type === 'outbound-rtp' && entry.kind === 'audio') sent += entry.packetsSent;
    }
  }
  return sent;
}

/** SIGKILL in the middle of a speech. */
async function crash(world) {
  const { server, chair, sites } = world;
  await step('the chair opens its microphone again and invites it', async () => {
    await act.unmute(chair.page, sites[0].short);
    await act.invite(chair.page, sites[0].short);
    await until('it holds the floor', 10, async () =>
      (await chromium.room(chair.page)).floor?.participant === sites[0].participant.id);
  });
  await until('the recording is long enough', PART + 10, () => Date.now() - world.recordedFrom > PART * 1000);
  const born = await Promise.all([chair, ...sites].map((it) => chromium.born(it.page)));
  const peers = await Promise.all([chair, ...sites].map((it) => chromium.peers(it.page)));
  await server.kill();
  world.killedAt = Date.now();
  await sleep(1_500);
  await step('the killed server starts again on its data', () => server.start());
  const back = await step('all sites are back with pictures, by themselves', () =>
    until('everybody decodes the speaker again', 45, async () => {
      for (const [index, one] of [chair, ...sites].entries()) {
        // Frames of the connection that died with the server do not count.
        if ((await chromium.peers(one.page)) <= peers[index]) return false;
        const { frames } = await chromium.reception(one.page);
        if (one !== sites[0] && !(frames[sites[0].publisher] > 0)) return false;
      }
      return Date.now();
    }),
  );
  note(`back after ${((back - world.killedAt) / 1000).toFixed(1)} s, of which 1.5 s the server was down`);
  const reborn = await Promise.all([chair, ...sites].map((it) => chromium.born(it.page)));
  check('no page was reloaded', born.every((it, index) => it === reborn[index]));
  const room = await chromium.room(chair.page);
  check('Lệ Thủy still holds the floor', room.floor?.participant === sites[0].participant.id);
  check('the recording goes on', room.recording !== null);
  check('the message is still there', room.messages.some((it) => it.text.startsWith('Kết luận')));
  await seenAndHeard(world, sites[0], 'after the crash');
  await step('the chair invites Đồng Hới after the crash', () => act.invite(chair.page, sites[1].short));
  await sleep(2_000);
  await seenAndHeard(world, sites[1], 'after the second invitation');
  world.resumedAt = back;
}

/** The chair ends the meeting; the composed video gets ready. */
async function finish(world) {
  const { server, chair, sites, id } = world;
  await until('the second part is long enough', PART + 10, () => Date.now() - world.resumedAt > PART * 1000);
  check('Đồng Hới still speaks when the meeting ends',
    (await chromium.room(chair.page)).floor?.participant === sites[1].participant.id);
  world.endedAt = Date.now();
  await step('the chair ends the meeting', async () => {
    await act.endMeeting(chair.page);
    await until('every page says so', 15, async () => {
      for (const site of sites) {
        if (!/kết thúc/iu.test(await site.page.locator('body').innerText())) return false;
      }
      return true;
    });
  });
  await chromium.shot(sites[0].page, 'ended');
  for (const one of [...world.open]) {
    await one.browser.close();
    world.open.splice(world.open.indexOf(one), 1);
  }
  world.secretary = await server.signIn('Thư ký');
  world.recording = await step('the recording is composed', () =>
    until('it is ready', 240, async () => {
      const [it] = await (await world.secretary(`/api/recordings?meeting=${id}`)).json();
      if (it.phase === 'failed') throw new Error(`composition failed: ${it.failure}`);
      return it.phase === 'ready' ? it : null;
    }),
  );
}

/** Both parts are in the composed video, with pictures and sound. */
async function recording(world) {
  const file = join(chromium.OUT, 'composed.mp4');
  const answer = await world.secretary(`/api/recordings/${world.recording.id}/files/composed.mp4`);
  check('the video can be downloaded', answer.status === 200, `${answer.status}`);
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  const part = await world.secretary(`/api/recordings/${world.recording.id}/files/composed.mp4`, {
    headers: { range: 'bytes=0-99' },
  });
  check('a range of it can be asked for', part.status === 206 && (await part.arrayBuffer()).byteLength === 100);
  const { seconds, video, audio } = await probe.media(file);
  check('it has H.264 and AAC', video?.codec_name === 'h264' && audio?.codec_name === 'aac',
    `${video?.codec_name} ${video?.width}×${video?.height}, ${audio?.codec_name}`);
  const before = (world.killedAt - world.recordedFrom) / 1000;
  const after = (world.endedAt - world.resumedAt) / 1000;
  check('it is as long as both parts', seconds > before + after - 3, `${seconds.toFixed(1)} s of ${before.toFixed(1)} + ${after.toFixed(1)}`);
  const whole = (world.endedAt - world.recordedFrom) / 1000;
  check('it is not longer than the meeting', seconds < whole + 5, `${seconds.toFixed(1)} s of ${whole.toFixed(1)}`);
  for (const [name, from] of [['before the crash', 2], ['after the crash', seconds - after + 1]]) {
    const length = 8;
    const { black, silent } = await probe.emptiness(file, from, length);
    check(`pictures ${name} are not black`, black < 1, `${black.toFixed(1)} s of ${length} black`);
    check(`sound ${name} is not silent`, silent < length / 2, `${silent.toFixed(1)} s of ${length} silent`);
  }
  const late = await probe.colour(file, seconds - 4);
  check('the last speaker, who is blue, was large', late.blue > late.red && late.blue > late.green, JSON.stringify(late));
}

/** The minutes name the right sites and speaking times. */
async function minutes(world) {
  const { secretary, id } = world;
  const draft = await step('minutes were drafted', async () => {
    const answer = await secretary(`/api/meetings/${id}/minutes`);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json()).document;
  });
  const text = JSON.stringify(draft);
  check('they have the title', text.includes(TITLE));
  for (const { name, declared } of SITES) {
    const row = draft.attendance.find((it) => it.name === name);
    check(`they name ${name}`, row?.present === true);
    const headcount = declared?.headcount ?? 0;
    check(`they have its headcount, ${headcount}`, row?.headcount === headcount, `${row?.headcount}`);
    check('they have who presides there', row?.local_chair === (declared?.local_chair ?? ''), row?.local_chair);
  }
  for (const [short, least] of [['Lệ Thủy', 8_000], ['Đồng Hới', 5_000]]) {
    const speeches = draft.speeches.filter((it) => it.name.includes(short));
    const sum = (key) => speeches.reduce((total, it) => total + it[key], 0);
    const [held, spoken] = [sum('held_ms'), sum('spoken_ms')];
    check(`they say how long ${short} had the floor`, held > least && held < 120_000, `${held} ms`);
    check(`they say how long ${short} was heard`, spoken > 0 && spoken <= held + 2_000, `${spoken} ms`);
  }
  const last = draft.speeches.at(-1);
  check('the speech that the end of the meeting cut off was heard', last?.name.includes('Đồng Hới') && last.spoken_ms > 0,
    `${last?.name}: ${last?.spoken_ms} of ${last?.held_ms} ms`);
  const silent = draft.speeches.filter((it) => it.name.includes('Gio Linh'));
  check('they do not let Gio Linh speak, who never did', silent.length === 0);
  const pdf = await secretary(`/api/meetings/${id}/minutes.pdf`);
  const file = join(chromium.OUT, 'minutes.pdf');
  writeFileSync(file, Buffer.from(await pdf.arrayBuffer()));
  check('the PDF is made', pdf.status === 200 && pdf.headers.get('content-type')?.includes('application/pdf') === true, `${pdf.status}`);
  const printed = (await probe.pdfText(file)).replace(/\s+/gu, ' ');
  check('its text has "Điểm cầu xã Lệ Thủy" intact', printed.includes('Điểm cầu xã Lệ Thủy'));
  const { headcount, local_chair } = SITES[0].declared;
  check('its text has the headcount and the local chair', printed.includes(local_chair) && printed.includes(` ${headcount} `),
    printed.match(/.{0,60}Trần Thị Hồng.{0,40}/u)?.[0]);
  const docx = await secretary(`/api/meetings/${id}/minutes.docx`);
  const bytes = new Uint8Array(await docx.arrayBuffer());
  writeFileSync(join(chromium.OUT, 'minutes.docx'), bytes);
  check('the DOCX is made', docx.status === 200 && bytes[0] === 0x50 && bytes[1] === 0x4b);
}
