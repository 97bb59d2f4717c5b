//! One page's stay in a room: ties the session, the reducer and the media together, and shows them to
//! components as reactive values. Components call its verbs; none of them touches a socket.

import { asGroup, groupOf } from '../breakout/breakout';
import { toast } from '../design/toast.svelte';
import { errorText, t } from '../i18n/t.svelte';
import { facts as factsOf } from '../lib/api';
import { MediaConnection, type MediaState } from '../media/connection';
import { SCENE_LINES, WALL_LINES } from '../media/lines';
import {
  openCamera, openMicrophone, openScreen, playCue, rememberChoice, type DeviceChoice, type Opened,
} from '../media/devices';
import {
  REPORT_EVERY_MS, countersOf, gradeOf, linesOf, reportOf,
  type Counters, type Grade, type PageStats, type Report,
} from '../media/quality';
import { Reception } from '../media/receive';
import { SignsWatch } from '../media/signs';
import type {
  Command, ErrorCode, Fact, FactRecord, LineQuality, Participant, RoomSnapshot, Seat, SiteHealth, SlotLimit,
  Source, Want,
} from '../protocol';
import { Pages } from '../paper/pages.svelte';
import { siteOf } from '../conduct/conduct';
import { stayAwake } from './awake';
import type { Entry } from './entry';
import { publisherOf, withNext } from './layout';
import { RoomSocket, type Outcome, type SessionStatus, type SocketLike } from './roomSocket';
import { selfCheck } from './selfCheck';
import { withFact, withHistory, withSnapshot, type RoomState } from './roomStore';

/** Devices that are open already get this long before the page offers without them, ms. */
const DEVICES_WAIT_MS = 60;
/** "Leave" waits this long for the server, ms; then the page goes anyway. */
const LEAVE_WAIT_MS = 1_000;
/** Narrower screens, CSS pixels, have no wall and negotiate no lines for it. */
const WALL_SCREEN_LEAST = 1_200;
/** So many voices keep a side picture after they fell silent. */
const RECENT_MAX = 3;

/** A stay in a room. */
export class RoomSession {
  readonly seat: Seat;
  /** The link that this seat came by. */
  readonly link: string | null;
  /** Pictures of the documents' pages. */
  readonly pages: Pages;
  state = $state.raw<RoomState | null>(null);
  status = $state.raw<SessionStatus>({ at: 'connecting' });
  media = $state.raw<MediaState>({ at: 'off' });
  /** Picture and sound have arrived at least once: from now on their absence is a loss. */
  wasConnected = $state(false);
  speakers = $state.raw<readonly string[]>([]);
  /** Who was heard lately: pictures are chosen by this, so that they do not jump with every word. */
  recent = $state.raw<readonly string[]>([]);
  lines = $state.raw<ReadonlyMap<string, LineQuality>>(new Map());
  /** How sites do by their own pages, for those who run the meeting. */
  health = $state.raw<ReadonlyMap<string, SiteHealth>>(new Map());
  camera = $state.raw<MediaStreamTrack | null>(null);
  microphone = $state.raw<MediaStreamTrack | null>(null);
  screen = $state.raw<MediaStreamTrack | null>(null);
  choice = $state.raw<DeviceChoice>({
    camera: '', microphone: '', loudspeaker: '', amplifier: false, camera_off: false,
  });
  isSoundBlocked = $state(false);
  /** This page's own reception. */
  report = $state.raw<Report | null>(null);
  /** Server time minus this machine's, ms. */
  clock_offset_ms = $state(0);
  joinMs = $state<number | null>(null);

  #streams_moved = $state(0);
  #limits = $state.raw<readonly SlotLimit[]>([]);
  #own = new WeakMap<MediaStreamTrack, MediaStream>();
  #pressed_at: number;
  #socket: RoomSocket;
  #connection: MediaConnection;
  #reception: Reception;
  #isMonitor: boolean;
  #signs: SignsWatch;
  #before: Counters | null = null;
  #timer: ReturnType<typeof setInterval> | null = null;
  #isOver = false;
  /** The browser asks which screen. */
  #isChoosing = false;
  /** Facts from the log, until there is a room to put them in. */
  #history: FactRecord[] = [];
  #stops: (() => void)[] = [];

  constructor(entry: Entry) {
    this.seat = entry.seat;
    this.link = entry.link;
    this.pages = new Pages(entry.seat.meeting, entry.seat.token);
    this.choice = entry.choice;
    this.#pressed_at = entry.pressed_at;
    this.#isMonitor = entry.monitor ?? false;
    this.#reception = new Reception(
      () => (this.#streams_moved += 1),
      (blocked) => (this.isSoundBlocked = blocked),
      this.#isMonitor,
    );
    void this.#reception.setSink(entry.choice.loudspeaker);
    let early = entry.ahead?.socket;
    const socket = () => {
      const [first, other] = [early, undefined];
      early = other;
      return first ?? connect();
    };
    this.#socket = new RoomSocket(socket, entry.seat.token, {
      status: (status) => this.#statusChanged(status),
      welcome: (_participant, now, snapshot, restarted) => {
        this.clock_offset_ms = now - Date.now();
        // Who watches is told everything anew.
        this.health = new Map();
        if (snapshot !== null) this.state = withHistory(withSnapshot(this.state, snapshot), this.#history);
        this.#applyMicrophone();
        if (restarted) this.#connection.lost();
      },
      fact: (record) => this.#happened(record),
      answer: (sdp) => void this.#connection.answered(sdp),
      mediaRefused: (code) => this.#connection.refused(code),
      mediaLost: () => this.#connection.lost(),
      slots: (slots) => this.#reception.setSlots(slots),
      limits: (limits) => (this.#limits = limits),
      demand: (source, layers, isWatched) => void this.#connection.demand(source, layers, isWatched),
      speakers: (publishers) => this.#heard(publishers),
      quality: (lines) => (this.lines = new Map(lines.map((line) => [line.participant, line]))),
      health: (sites) => (this.health = new Map([...this.health, ...sites.map((one) => [one.participant, one] as const)])),
      checkAsked: () => void this.#checkAgain(),
      resumeAfter: () => this.state?.room.seq ?? null,
    });
    this.#connection = new MediaConnection(
      {
        offer: (sdp, sends, restarts) => this.#socket.offer(sdp, sends, restarts),
        changed: (state) => {
          this.media = state;
          if (state.at === 'connected') this.wasConnected = true;
        },
        lines: (audio, video) => {
          this.#limits = [];
          this.#reception.setLines(audio, video);
        },
      },
      this.#publishes,
      this.hasWall ? WALL_LINES : SCENE_LINES,
      entry.ahead?.described,
    );
    const tell = this.#socket.signs.bind(this.#socket);
    const [camera, microphone] = [() => this.camera, () => this.microphone];
    this.#signs = new SignsWatch({ camera, microphone, stats: () => this.#connection.stats(), tell });
    void this.#begin(entry.opened);
  }

  /** The group that this seat discusses in; null: the hall. */
  readonly group: number | null = $derived.by(() => groupOf(this.state?.room.breakout ?? null, this.seat.participant));

  /** The room as this page shows it: its own screen goes at once when it stops, the node notices after
   *  seconds without packets. */
  readonly shown: RoomSnapshot | null = $derived.by(() => {
    const whole = this.state?.room ?? null;
    const self = this.seat.participant;
    // Whoever leads sees the whole meeting from inside a group too.
    const room = whole === null || this.group === null || this.seat.role !== 'site' ? whole : asGroup(whole, this.group);
    if (room === null || this.screen !== null || this.me?.sources.includes('screen') !== true) return room;
    const participants = room.participants.map((who) =>
      who.id === self ? { ...who, sources: who.sources.filter((source) => source !== 'screen') } : who,
    );
    return { ...room, participants };
  });

  /** The room's participant that sits here. */
  get me(): Participant | null {
    const me = this.participant(this.seat.participant);
    // In its group everybody may speak.
    return me === null || this.group === null ? me : { ...me, microphone_granted: true };
  }

  participant(id: string | null): Participant | null {
    return this.state?.room.participants.find((who) => who.id === id) ?? null;
  }

  /** A delegate sees and hears in the room where it sits: its telephone has neither picture nor sound. */
  get #hasMedia(): boolean {
    return this.seat.role !== 'delegate';
  }

  get #publishes(): boolean {
    return this.seat.role !== 'observer' && this.#hasMedia;
  }

  get conducts(): boolean {
    return this.seat.role === 'chair' || this.seat.role === 'desk';
  }

  /** Whether this page can show the wall: who conducts does, on a screen that has room for it. */
  get hasWall(): boolean {
    return this.#isMonitor || (this.conducts && screen.width >= WALL_SCREEN_LEAST);
  }

  /** Whether this page shows documents and turns their pages. */
  get mayPresent(): boolean {
    return this.conducts || this.seat.role === 'secretary' || (this.seat.role === 'site' && this.holdsFloor);
  }

  get holdsFloor(): boolean {
    return this.state?.room.floor?.participant === this.seat.participant;
  }

  /** Place in the queue, 1 first; 0: not in it. */
  get place(): number {
    return (this.state?.room.queue.indexOf(this.seat.participant) ?? -1) + 1;
  }

  get grade(): Grade {
    return this.report === null ? 'good' : gradeOf(this.report.lost_permille, this.report.rtt_ms);
  }

  /** The server's time now, ms. */
  now(): number {
    return Date.now() + this.clock_offset_ms;
  }

  /** The picture of a participant: its own from the camera, others from their line. Reactive. */
  picture(participant: string, publisher: string, source: Source): MediaStream | null {
    if (participant === this.seat.participant) {
      const own = source === 'screen' ? this.screen : this.camera;
      return own === null ? null : this.#streamOf(own);
    }
    return this.#streams_moved < 0 ? null : this.#reception.stream(publisher, source);
  }

  /** What limits the picture of a participant on its way here, null when nothing does. Reactive. */
  limit(participant: string, publisher: string, source: Source): SlotLimit | null {
    if (participant === this.seat.participant || this.#streams_moved < 0) return null;
    const mid = this.#reception.lineOf(publisher, source);
    return this.#limits.find((limit) => limit.mid === mid) ?? null;
  }

  /** This site's own line is so weak that pictures had to be paused. */
  get isHeldBack(): boolean {
    return this.#limits.some((limit) => limit.cause === 'downlink' && limit.is_paused);
  }

  /** One stream for a track, always the same: a picture that gets another one starts anew. */
  #streamOf(track: MediaStreamTrack): MediaStream {
    const known = this.#own.get(track);
    if (known !== undefined) return known;
    const made = new MediaStream([track]);
    this.#own.set(track, made);
    return made;
  }

  /** What the page shows, main first. */
  watch(wants: Want[]): void {
    const next = this.participant(this.state?.room.conduct.next ?? null);
    const site = this.state === null || next === null ? null : siteOf(this.state.room, next);
    const publisher = site === null || site.id === this.seat.participant ? null : publisherOf(site);
    this.#socket.watch(withNext(wants, publisher, this.hasWall ? WALL_LINES : SCENE_LINES));
  }

  /** Acts in the room; a refusal is told to the person. */
  async act(command: Command): Promise<Outcome> {
    const outcome = await this.#socket.command(command);
    if (!outcome.ok && !this.#isOver) toast(errorText(outcome.code), { kind: 'error' });
    return outcome;
  }

  /** Opens or closes one's own microphone. */
  toggleMicrophone(): void {
    const me = this.me;
    if (me === null) return;
    if (!me.microphone_granted) {
      if (this.conducts) {
        if (me.self_muted) void this.act({ type: 'mute_self', muted: false });
        void this.act({ type: 'mute', participant: me.id, muted: false });
        return;
      }
      toast(t('room.mic.closed_hint'), { kind: 'info' });
      return;
    }
    if (this.microphone === null) {
      void this.useMicrophone(this.choice.microphone);
      return;
    }
    void this.act({ type: 'mute_self', muted: !me.self_muted });
  }

  async toggleCamera(): Promise<void> {
    if (this.camera !== null) {
      this.#setCamera(null);
      this.#choose({ camera_off: true });
      return;
    }
    await this.useCamera(this.choice.camera);
  }

  async useCamera(device: string): Promise<void> {
    this.#choose({ camera: device, camera_off: false });
    const { track, problem } = await openCamera(this.choice);
    if (problem !== null) toast(t(`device.camera.${problem}`), { kind: 'error' });
    if (track !== null) this.#setCamera(track);
  }

  async useMicrophone(device: string, amplifier = this.choice.amplifier): Promise<void> {
    this.#choose({ microphone: device, amplifier });
    const { track, problem } = await openMicrophone(this.choice);
    if (problem !== null) toast(t(`device.microphone.${problem}`), { kind: 'error' });
    if (track !== null) this.#setMicrophone(track);
  }

  useLoudspeaker(device: string): void {
    this.#choose({ loudspeaker: device });
    void this.#reception.setSink(device);
  }

  toggleHand(): void {
    void this.act({ type: 'raise_hand', raised: this.place === 0 });
  }

  async toggleScreen(): Promise<void> {
    if (this.screen !== null) {
      this.#stopScreen();
      return;
    }
    if (!this.conducts && !this.holdsFloor) {
      toast(t('room.screen.floor_only'), { kind: 'info' });
      return;
    }
    if (this.#isChoosing) return;
    this.#isChoosing = true;
    const shared = await openScreen();
    this.#isChoosing = false;
    const picture = shared?.getVideoTracks()[0];
    if (shared === null || picture === undefined) return;
    if (this.#isOver) {
      for (const track of shared.getTracks()) track.stop();
      return;
    }
    picture.addEventListener('ended', () => {
      if (this.screen === picture) this.#stopScreen();
    });
    this.screen = picture;
    await this.#connection.send('screen', picture);
    await this.#connection.send('screen_audio', shared.getAudioTracks()[0] ?? null);
    // Shared again before the node noticed the pause: it was never unpublished, so no `published` will come.
    if (this.screen === picture && this.me?.sources.includes('screen') === true) this.#showScreen();
  }

  /** After a click: sound may play. */
  allowSound(): void {
    this.#reception.play();
  }

  /** The main picture's first frame is on the screen. */
  mainShown(): void {
    this.joinMs ??= Math.round(performance.now() - this.#pressed_at);
  }

  /** What happened before this page came, for those who may read the log. */
  async loadHistory(): Promise<void> {
    try {
      this.#history = await factsOf(this.seat.meeting);
      if (this.state !== null) this.state = withHistory(this.state, this.#history);
      this.#history = this.state === null ? this.#history : [];
    } catch {
      // The list then begins with this page's own arrival; new facts come all the same.
    }
  }

  /** Leaves for good. */
  async leave(): Promise<void> {
    this.#isOver = true;
    const answered = this.#socket.command({ type: 'leave' });
    await Promise.race([answered, new Promise((done) => setTimeout(done, LEAVE_WAIT_MS))]);
    this.close();
  }

  /** Ends this page's stay; the seat stays. */
  close(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const stop of this.#stops) stop();
    this.#signs.close();
    this.#connection.close();
    this.#reception.close();
    this.#socket.close();
    this.pages.close();
    for (const track of [this.camera, this.microphone, this.screen]) track?.stop();
    this.camera = this.microphone = this.screen = null;
  }

  async #begin(opened: Promise<Opened>): Promise<void> {
    this.#socket.start();
    this.#expose();
    this.#stops.push(stayAwake());
    const online = () => this.#socket.hurry();
    addEventListener('online', online);
    this.#stops.push(() => removeEventListener('online', online));
    if (!this.#hasMedia) return;
    const attached = opened.then((devices) => {
      if (this.#isOver) {
        devices.camera?.stop();
        devices.microphone?.stop();
        return;
      }
      if (devices.camera !== null) this.#setCamera(devices.camera);
      if (devices.microphone !== null) this.#setMicrophone(devices.microphone);
    });
    await Promise.race([attached, new Promise((done) => setTimeout(done, DEVICES_WAIT_MS))]);
    if (this.#isOver) return;
    await this.#connection.start();
    this.#timer = setInterval(() => void this.#measure(), REPORT_EVERY_MS);
    if (this.#publishes) this.#signs.start();
  }

  #statusChanged(status: SessionStatus): void {
    this.status = status;
    if (status.at === 'closed' && !this.#isOver) {
      this.#connection.close();
      this.#reception.close();
      this.camera?.stop();
      this.microphone?.stop();
      this.screen?.stop();
    }
  }

  #heard(publishers: readonly string[]): void {
    this.speakers = publishers;
    const fresh = publishers.filter((publisher) => !this.recent.includes(publisher));
    if (fresh.length > 0) this.recent = [...fresh, ...this.recent].slice(0, RECENT_MAX);
  }

  #happened(record: FactRecord): void {
    if (this.state === null) return;
    const step = withFact(this.state, record);
    switch (step.kind) {
      case 'old':
        return;
      case 'gap':
        this.#socket.resync();
        return;
      case 'applied':
        this.state = step.state;
        this.#concerning(record.fact);
        return;
    }
  }

  /** What a fact means for the person at this page. */
  #concerning(fact: Fact): void {
    const mine = 'participant' in fact && fact.participant === this.seat.participant;
    switch (fact.type) {
      case 'floor_granted':
        if (mine) this.#invited();
        break;
      case 'floor_released':
        if (mine && !this.conducts && this.screen !== null) this.#stopScreen();
        break;
      case 'conduct':
        if (fact.act === 'regime') this.#applyMicrophone();
        if (fact.act === 'prepared' && this.#sitsHere(fact.participant)) void playCue(this.choice.loudspeaker);
        break;
      case 'microphone_granted':
      case 'self_muted':
        if (mine) this.#applyMicrophone();
        break;
      case 'all_muted':
        this.#applyMicrophone();
        break;
      case 'breakout':
        this.#applyMicrophone();
        if (fact.act === 'opened' || fact.act === 'closed') void playCue(this.choice.loudspeaker);
        break;
      case 'published':
        if (mine && fact.source === 'screen') this.#showScreen();
        break;
      case 'recording_failed':
        if (this.seat.role !== 'site') toast(errorText(fact.code), { kind: 'error' });
        break;
      case 'ended':
        this.#connection.close();
        this.#stopTracks();
        break;
      default:
        break;
    }
  }

  /** Whether somebody speaks at this page's microphone: this seat, or a delegate of its site. */
  #sitsHere(id: string | null): boolean {
    const who = this.participant(id);
    return who !== null && (who.id === this.seat.participant || (who.site !== null && who.site === this.me?.site));
  }

  #invited(): void {
    void playCue(this.choice.loudspeaker);
    if (this.me?.self_muted === true) void this.act({ type: 'mute_self', muted: false });
    if (this.microphone === null) void this.useMicrophone(this.choice.microphone);
  }

  /** A microphone that nobody may hear sends silence; the node drops it besides. */
  #applyMicrophone(): void {
    const me = this.me;
    const open = me !== null && me.microphone_granted && !me.self_muted;
    if (this.microphone !== null) this.microphone.enabled = open;
  }

  #setCamera(track: MediaStreamTrack | null): void {
    this.camera?.stop();
    this.camera = track;
    track?.addEventListener('ended', () => {
      if (this.camera !== track) return;
      this.#setCamera(null);
      toast(t('device.camera.unplugged'), { kind: 'warn' });
    });
    void this.#connection.send('camera', track);
  }

  #setMicrophone(track: MediaStreamTrack): void {
    this.microphone?.stop();
    this.microphone = track;
    track.addEventListener('ended', () => {
      if (this.microphone !== track) return;
      this.microphone = null;
      toast(t('device.microphone.unplugged'), { kind: 'warn' });
    });
    this.#applyMicrophone();
    void this.#connection.send('microphone', track);
  }

  /** What who conducts shares is what all look at. */
  #showScreen(): void {
    if (!this.conducts || this.screen === null) return;
    void this.act({ type: 'set_main_picture', participant: this.seat.participant, source: 'screen' });
  }

  #stopScreen(): void {
    const main = this.state?.room.main;
    const track = this.screen;
    this.screen = null;
    // Taken off the line before it stops: a stopped track sends black pictures, and the others would look
    // at them until the node notices.
    void this.#connection.send('screen', null).then(() => track?.stop());
    void this.#connection.send('screen_audio', null);
    if (this.conducts && main?.participant === this.seat.participant && main.source === 'screen') {
      void this.act({ type: 'set_main_picture', participant: null, source: 'camera' });
    }
  }

  #stopTracks(): void {
    for (const track of [this.camera, this.microphone, this.screen]) track?.stop();
  }

  #choose(change: Partial<DeviceChoice>): void {
    this.choice = { ...this.choice, ...change };
    rememberChoice(this.choice);
  }

  async #measure(): Promise<void> {
    const stats = await this.#connection.stats();
    if (stats === null || this.media.at !== 'connected') return;
    const now = countersOf(stats.values(), performance.now());
    if (this.#before !== null) {
      this.report = reportOf(this.#before, now);
      this.#socket.report(this.report);
    }
    this.#before = now;
  }

  async #checkAgain(): Promise<void> {
    toast(t('desk.check.here'), { kind: 'info' });
    const rest = () => ({ signs: this.#signs.last, sound_plays: !this.isSoundBlocked, media_connected: this.media.at === 'connected' });
    this.#socket.checked(await selfCheck(() => this.#connection.stats(), rest));
  }

  /** For tests: reads, never acts. */
  #expose(): void {
    const stats = async (): Promise<PageStats> => {
      const report = await this.#connection.stats();
      const lines = linesOf(report?.values() ?? [], this.#reception);
      return { ...lines, joinMs: this.joinMs };
    };
    const seen = { stats, room: () => this.state?.room ?? null, media: () => this.media.at };
    Object.defineProperty(window, '__diemcau', { value: Object.freeze(seen), configurable: true });
  }
}

/** Opens a WebSocket to the server. */
export function connect(): SocketLike {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return new WebSocket(`${scheme}://${location.host}/ws`) as unknown as SocketLike;
}

/** Why the session is over, for the page that says so. */
export function closedWhy(status: SessionStatus): ErrorCode | null {
  return status.at === 'closed' ? status.code : null;
}
