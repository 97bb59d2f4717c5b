//! When the minutes are sent: a machine without I/O. Law: while something is unsaved and nothing forbids it,
//! a sending is due at some time; and never two at once.
import type { Failure } from '../lib/http';

export type SaverStatus =
  /** What is on the screen is on the server. */
  | 'saved'
  /** Changed; will be sent when the typing rests. */
  | 'unsaved'
  | 'saving'
  /** The server does not answer; will be sent again. */
  | 'offline'
  /** Somebody else has saved: a human decides. */
  | 'conflict'
  /** The server refuses this content or this account: a human decides. */
  | 'refused';

export interface Saver {
  status: SaverStatus;
  /** Version on the server that the screen was made from. */
  version: number;
  /** When to send, ms; null: nothing to send, or not by itself. */
  dueAt: number | null;
  /** Changed since what is being sent was taken. */
  isEdited: boolean;
  /** Sendings that failed in a row for want of an answer. */
  n_failures: number;
  failure: Failure | null;
}

/** Typing has rested when nothing changed for this long: short enough to lose nothing, long enough for a sentence. */
export const REST_MS = 1_500;
/** First pause after a failure; doubles. */
export const RETRY_MS = 2_000;
export const RETRY_MS_MAX = 30_000;

export function newSaver(version: number): Saver {
  return { status: 'saved', version, dueAt: null, isEdited: false, n_failures: 0, failure: null };
}

/** Whether anything on the screen is not on the server. */
export function isDirty(saver: Saver): boolean {
  return saver.status !== 'saved';
}

/** Something was changed. */
export function edited(saver: Saver, now: number): Saver {
  switch (saver.status) {
    case 'saved':
    case 'unsaved':
    case 'refused':
      return { ...saver, status: 'unsaved', dueAt: now + REST_MS, failure: null };
    case 'saving':
      return { ...saver, isEdited: true };
    case 'offline':
    case 'conflict':
      return saver;
  }
}

/** Ctrl+S: at once, unless it is on its way or a human has to decide first. */
export function hurried(saver: Saver, now: number): Saver {
  switch (saver.status) {
    case 'unsaved':
    case 'offline':
    case 'refused':
      return { ...saver, dueAt: now };
    case 'saved':
    case 'saving':
    case 'conflict':
      return saver;
  }
}

export function isDue(saver: Saver, now: number): boolean {
  return saver.dueAt !== null && saver.dueAt <= now;
}

/** The screen's content was taken and is on its way. */
export function sending(saver: Saver): Saver {
  return { ...saver, status: 'saving', dueAt: null, isEdited: false };
}

export function succeeded(saver: Saver, version: number, now: number): Saver {
  const next: Saver = { ...newSaver(version) };
  return saver.isEdited ? { ...next, status: 'unsaved', dueAt: now + REST_MS } : next;
}

export function failed(saver: Saver, failure: Failure, now: number): Saver {
  if (failure === 'conflict') return { ...saver, status: 'conflict', dueAt: null, failure };
  const isPassing =
    failure === 'network' || failure === 'internal' || failure === 'too_many_requests' || failure === 'disk_full' || failure === 'not_signed_in';
  if (!isPassing) return { ...saver, status: 'refused', dueAt: null, failure };
  const pause = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(saver.n_failures, 8));
  return { ...saver, status: 'offline', dueAt: now + pause, n_failures: saver.n_failures + 1, failure };
}

/** The human keeps the screen's content over the version that the server has. */
export function keptMine(saver: Saver, version: number, now: number): Saver {
  return { ...newSaver(version), status: 'unsaved', dueAt: now, isEdited: saver.isEdited };
}
