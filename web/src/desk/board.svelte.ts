//! The desk's board while it is open: asks for sites, contacts and waiting pages, and makes rows and alarms anew at most
//! twice a second, however often the room changes.

import { untrack } from 'svelte';

import { linesOf, units as unitsOf } from '../lib/api';
import { callSites, deskSites, setContact, waitingSites } from '../lib/desk';
import { failureOf, type Failure } from '../lib/http';
import { poll } from '../lib/poll';
import type { Called, Contact, DeskSite, RoomRoutes, Unit, WaitingSite } from '../protocol';
import { rowsOf as linesRows } from '../lines/lines';
import type { RoomSession } from '../room/session.svelte';
import { alarmsOf, boardRows, unitsAbove, type Above, type Alarm, type BoardRow, type Cause } from './board';

/** Rows are made anew at most this often, ms. */
const RENEW_MS = 500;
/** Waiting pages are asked for this often, ms. */
const WAITING_MS = 3_000;
/** The media node is asked for its lines this often, ms. */
const LINES_MS = 5_000;

/** See the file's head. Made inside a component: its effects end with it. */
export class Board {
  rows = $state.raw<readonly BoardRow[]>([]);
  alarms = $state.raw<readonly Alarm[]>([]);
  units = $state.raw<readonly Unit[]>([]);
  above = $state.raw<Above>(new Map());
  failure = $state<Failure | null>(null);
  isLoaded = $state(false);
  /** The last call: whom nobody hears. */
  called = $state.raw<Called | null>(null);

  #session: RoomSession;
  #invited = $state.raw<readonly DeskSite[]>([]);
  #waiting = $state.raw<readonly WaitingSite[]>([]);
  #causes = $state.raw<ReadonlyMap<string, Cause>>(new Map());
  #byId = new Map<string, BoardRow>();
  #byKey = new Map<string, Alarm>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(session: RoomSession) {
    this.#session = session;
    const meeting = session.seat.meeting;
    $effect(() => untrack(() => void this.#load()));
    $effect(() => {
      const refresh = async (): Promise<boolean> => {
        try {
          this.#waiting = await waitingSites(meeting);
          return true;
        } catch {
          return false;
        }
      };
      return untrack(() => poll(refresh, () => WAITING_MS));
    });
    $effect(() => {
      if (!session.conducts) return;
      const refresh = async (): Promise<boolean> => {
        try {
          this.#causes = causesOf(await linesOf(meeting));
          return true;
        } catch {
          return false;
        }
      };
      return untrack(() => poll(refresh, () => LINES_MS));
    });
    $effect(() => {
      // What rows are made of.
      void [session.state, session.lines, session.health, session.speakers, this.#invited, this.#waiting, this.#causes];
      untrack(() => this.#soon());
    });
    $effect(() => () => {
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
    });
  }

  row(id: string | null): BoardRow | null {
    return this.rows.find((row) => row.id === id) ?? null;
  }

  /** Calls sites; those without an open page are in `called.unreached`. */
  async call(sites: string[]): Promise<Called | null> {
    try {
      this.called = await callSites(this.#session.seat.meeting, sites);
      this.#waiting = await waitingSites(this.#session.seat.meeting);
      return this.called;
    } catch (error) {
      this.failure = failureOf(error);
      return null;
    }
  }

  /** Writes down whom to telephone. False: refused, `failure` says why. */
  async setContact(site: string, contact: Contact): Promise<boolean> {
    try {
      const kept = await setContact(site, contact);
      this.#invited = this.#invited.map((one) => (one.site === site ? { ...one, contact: kept } : one));
      this.failure = null;
      return true;
    } catch (error) {
      this.failure = failureOf(error);
      return false;
    }
  }

  async #load(): Promise<void> {
    try {
      const [units, invited] = await Promise.all([unitsOf(), deskSites(this.#session.seat.meeting)]);
      this.units = units;
      this.above = unitsAbove(units);
      this.#invited = invited;
      this.failure = null;
    } catch (error) {
      this.failure = failureOf(error);
    }
    this.isLoaded = true;
  }

  #soon(): void {
    if (this.rows.length === 0 && this.isLoaded) {
      this.#renew();
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#renew();
    }, RENEW_MS);
  }

  #renew(): void {
    const room = this.#session.shown;
    if (room === null) return;
    const { lines, health, speakers } = this.#session;
    const input = { room, invited: this.#invited, waiting: this.#waiting, lines, health, speakers, causes: this.#causes };
    const rows = boardRows(input, this.#byId);
    const isSame = rows.length === this.rows.length && rows.every((row, index) => row === this.rows[index]);
    if (isSame) return;
    this.#byId = new Map(rows.map((row) => [row.id, row]));
    this.rows = rows;
    this.alarms = alarmsOf(rows, this.#byKey, Date.now());
    this.#byKey = new Map(this.alarms.map((alarm) => [alarm.key, alarm]));
  }
}

/** Publishers whose line is weak, and which way. */
function causesOf(routes: RoomRoutes): ReadonlyMap<string, Cause> {
  const causes = new Map<string, Cause>();
  for (const { publisher, verdict } of linesRows(routes, new Map(), new Map())) {
    if (verdict === 'up' || verdict === 'down' || verdict === 'both') causes.set(publisher, verdict);
  }
  return causes;
}
