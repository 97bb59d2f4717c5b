//! How the reception goes: the report of every 5 s, and what tests read from `window.__diemcau`.

import type { ClientMessage, Source } from '../protocol';
import type { Reception } from './receive';

/** Between two reports, ms (docs/protocol.md). */
export const REPORT_EVERY_MS = 5_000;

/** From here on a line counts as weak, thousandths lost and ms. */
const WEAK_LOST_PERMILLE = 50;
const WEAK_RTT_MS = 400;

export type Report = Extract<ClientMessage, { type: 'report' }>;

/** Counters of one moment, summed over all receiving lines. */
export interface Counters {
  at: number;
  received: number;
  lost: number;
  bytes: number;
  rtt_ms: number;
}

/** How good a line is. */
export type Grade = 'good' | 'fair' | 'weak';

export function gradeOf(lost_permille: number, rtt_ms: number): Grade {
  if (lost_permille >= WEAK_LOST_PERMILLE || rtt_ms >= WEAK_RTT_MS) return 'weak';
  if (lost_permille >= 10 || rtt_ms >= 150) return 'fair';
  return 'good';
}

/** Adds up a statistics report. */
export function countersOf(stats: Iterable<unknown>, at: number): Counters {
  const counters = { at, received: 0, lost: 0, bytes: 0, rtt_ms: 0 };
  for (const entry of stats) {
    if (!isRecord(entry)) continue;
    if (entry['type'] === 'inbound-rtp') {
      counters.received += number(entry['packetsReceived']);
      counters.lost += number(entry['packetsLost']);
      counters.bytes += number(entry['bytesReceived']);
    }
    if (entry['type'] === 'candidate-pair' && entry['state'] === 'succeeded') {
      const rtt = number(entry['currentRoundTripTime']) * 1_000;
      if (entry['nominated'] === true || counters.rtt_ms === 0) counters.rtt_ms = rtt;
    }
  }
  return counters;
}

/** The report of the time between two moments. A new connection starts its counters at 0: then there
 *  is nothing to compare, and the later moment counts from its own start. */
export function reportOf(before: Counters, now: Counters): Report {
  const fresh = now.received < before.received;
  const received = now.received - (fresh ? 0 : before.received);
  const lost = Math.max(0, now.lost - (fresh ? 0 : before.lost));
  const bytes = now.bytes - (fresh ? 0 : before.bytes);
  const seconds = Math.max(0.001, (now.at - before.at) / 1_000);
  const all = received + lost;
  return {
    type: 'report',
    lost_permille: all === 0 ? 0 : Math.min(1_000, Math.round((lost * 1_000) / all)),
    rtt_ms: Math.round(now.rtt_ms),
    received_bps: Math.max(0, Math.round((bytes * 8) / seconds)),
  };
}

/** A receiving video line, as tests see it. */
export interface VideoLineStats {
  mid: string;
  publisher: string | null;
  source: Source | null;
  framesDecoded: number;
  frameWidth: number;
}

/** A receiving audio line, as tests see it. */
export interface AudioLineStats {
  mid: string;
  publisher: string | null;
  audioLevel: number;
  totalAudioEnergy: number;
}

/** What `window.__diemcau.stats()` answers. */
export interface PageStats {
  video: VideoLineStats[];
  audio: AudioLineStats[];
  joinMs: number | null;
}

/** Reads the browser's counters line by line. */
export function linesOf(stats: Iterable<unknown>, reception: Reception): Omit<PageStats, 'joinMs'> {
  const inbound = new Map<string, Record<string, unknown>>();
  for (const entry of stats) {
    if (!isRecord(entry) || entry['type'] !== 'inbound-rtp') continue;
    // Older Firefox names the track and not the line.
    const mid = typeof entry['mid'] === 'string' ? entry['mid'] : reception.midOf(entry['trackIdentifier']);
    if (mid !== null) inbound.set(mid, entry);
  }
  const value = (mid: string, name: string) => number(inbound.get(mid)?.[name]);
  return {
    video: reception.videoMids.map((mid) => ({
      mid,
      publisher: reception.carried(mid)?.publisher ?? null,
      source: reception.carried(mid)?.source ?? null,
      framesDecoded: value(mid, 'framesDecoded'),
      frameWidth: value(mid, 'frameWidth'),
    })),
    audio: reception.audioMids.map((mid) => ({
      mid,
      publisher: reception.carried(mid)?.publisher ?? null,
      audioLevel: value(mid, 'audioLevel'),
      totalAudioEnergy: value(mid, 'totalAudioEnergy'),
    })),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
