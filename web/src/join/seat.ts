//! The seat that this tab holds, so that a reload comes back into the room without asking.

import type { Seat } from '../protocol';

const key = (link: string): string => `diemcau.seat.${link}`;

/** The seat that this tab got by a link. */
export function keptSeat(link: string): Seat | null {
  try {
    const seat: unknown = JSON.parse(sessionStorage.getItem(key(link)) ?? 'null');
    return isSeat(seat) ? seat : null;
  } catch {
    return null;
  }
}

/** Keeps a seat for this tab; null forgets it. */
export function keepSeat(link: string, seat: Seat | null): void {
  try {
    if (seat === null) sessionStorage.removeItem(key(link));
    else sessionStorage.setItem(key(link), JSON.stringify(seat));
  } catch {
    // A browser that forbids it asks again after a reload.
  }
}

function isSeat(value: unknown): value is Seat {
  if (typeof value !== 'object' || value === null) return false;
  const seat = value as Record<string, unknown>;
  return ['participant', 'meeting', 'title', 'name', 'role', 'token'].every(
    (name) => typeof seat[name] === 'string',
  );
}
