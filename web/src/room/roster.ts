//! The site list of the console: everybody seated, and invited sites that never came. Pure.

import type { Participant } from '../protocol';
import { finds } from '../lib/fold';

/** A row: a seat, or an invited site without one. */
export interface Row {
  id: string;
  name: string;
  who: Participant | null;
  /** Place in the queue, 1 first; 0: no hand. */
  place: number;
}

export type Filter = 'all' | 'connected' | 'absent' | 'hands';

/** Counts for the filter buttons. `n_sites` is how many sites are invited, if that is known. */
export interface Counts {
  connected: number;
  invited: number;
  absent: number;
  hands: number;
  /** Delegates that the connected sites declared. */
  headcount: number;
}

/** All rows: seats in the order in which they were given, then invited sites that never came. */
export function rowsOf(
  participants: readonly Participant[],
  queue: readonly string[],
  invited: readonly { id: string; name: string }[],
): Row[] {
  const seated = new Set(participants.map((who) => who.site).filter((site) => site !== null));
  // Delegates are counted at their sites; a list of hundreds of them would hide the sites.
  const seats = participants.filter((who) => who.role !== 'delegate' && who.role !== 'observer').map((who) => ({
    id: who.id, name: who.name, who, place: queue.indexOf(who.id) + 1,
  }));
  const never = invited
    .filter((site) => !seated.has(site.id))
    .map((site) => ({ id: site.id, name: site.name, who: null, place: 0 }));
  return [...seats, ...never];
}

/** The rows that a filter and a search leave. */
export function found(rows: readonly Row[], filter: Filter, search: string): Row[] {
  return rows.filter((row) => {
    if (!finds(search, `${row.name} ${row.who?.local_chair ?? ''}`)) return false;
    switch (filter) {
      case 'all':
        return true;
      case 'connected':
        return row.who?.role === 'site' && row.who.connected;
      case 'absent':
        return row.who === null || (row.who.role === 'site' && !row.who.connected);
      case 'hands':
        return row.place > 0;
    }
  });
}

/** How many sites are here, of how many. */
export function countsOf(
  participants: readonly Participant[],
  queue: readonly string[],
  n_sites: number,
): Counts {
  const sites = participants.filter((who) => who.role === 'site');
  const here = sites.filter((who) => who.connected);
  const invited = Math.max(n_sites, sites.length);
  return {
    connected: here.length,
    invited,
    absent: invited - here.length,
    hands: queue.length,
    headcount: here.reduce((sum, who) => sum + who.headcount, 0),
  };
}
