//! What a page knows of the roll: a pure reducer over its facts, and its rows as they are now.

import type { Fact, FactRecord, Participant, RollRow, RollState, RollTotals, RollView, Share } from '../protocol';

/** The roll after a fact. `participants` have taken it in already. */
export function withRoll(roll: RollView | null, record: FactRecord, participants: readonly Participant[]): RollView | null {
  const fact: Fact = record.fact;
  if (fact.type === 'joined') {
    const who = participants.find((one) => one.id === fact.participant);
    if (roll === null || roll.closed_at !== null || who?.role !== 'site' || who.site === null) return roll;
    return roll.seen.includes(who.site) ? roll : { ...roll, seen: [...roll.seen, who.site] };
  }
  if (fact.type !== 'roll') return roll;
  if (fact.act === 'opened') {
    const here = participants.filter((who) => who.role === 'site' && who.connected);
    return {
      roll: fact.roll, rules: fact.rules, opened_at: record.at, sites: fact.sites,
      seen: here.map((who) => who.site).filter((site) => site !== null),
      marks: [], called: null, closed_at: null, rows: [], hall: 0, amendments: [],
    };
  }
  if (roll === null || roll.roll !== fact.roll) return roll;
  switch (fact.act) {
    case 'called':
      return { ...roll, called: fact.participant };
    case 'marked':
      return { ...roll, marks: [...roll.marks.filter((mark) => mark.site !== fact.mark.site), fact.mark] };
    case 'closed':
      return { ...roll, rows: fact.rows, hall: fact.hall, closed_at: record.at };
    case 'amended': {
      const { before, mark } = fact;
      return { ...roll, amendments: [...roll.amendments, { at: record.at, by: record.by, before, mark }] };
    }
  }
}

/** The rows: frozen, or as they are now. */
export function rowsOf(roll: RollView, participants: readonly Participant[]): RollRow[] {
  if (roll.closed_at !== null) return roll.rows;
  const seats = new Map(participants.filter((who) => who.role === 'site').map((who) => [who.site, who]));
  const marks = new Map(roll.marks.map((mark) => [mark.site, mark]));
  const seen = new Set(roll.seen);
  return roll.sites.map(({ site, name, unit }) => {
    const [seat, mark] = [seats.get(site), marks.get(site)];
    return {
      site, name, unit,
      state: mark?.state ?? (seen.has(site) ? 'online' : 'unchecked'),
      headcount: mark?.headcount ?? seat?.headcount ?? 0,
      local_chair: seat?.local_chair ?? '',
      reason: mark?.reason ?? '',
    };
  });
}

export function isPresent(state: RollState): boolean {
  return state === 'in_person' || state === 'online';
}

/** Delegates in the chair's own hall: frozen, or as declared now. */
export function hallOf(roll: RollView, participants: readonly Participant[]): number {
  if (roll.closed_at !== null) return roll.hall;
  return participants.reduce((sum, who) => sum + (who.role === 'chair' ? who.headcount : 0), 0);
}

export function totalsOf(rows: readonly RollRow[], hall = 0): RollTotals {
  const present = rows.filter((row) => isPresent(row.state));
  return {
    n_sites: rows.length, n_present: present.length,
    headcount: present.reduce((sum, row) => sum + row.headcount, hall),
  };
}

/** Whether enough are present; null when nothing is asked for. */
export function isMet(roll: RollView, totals: RollTotals): boolean | null {
  const { quorum, summoned } = roll.rules;
  if (quorum === null) return null;
  const [part, whole] = summoned > 0 ? [totals.headcount, summoned] : [totals.n_present, totals.n_sites];
  return reaches(quorum, part, whole);
}

function reaches(share: Share, part: number, whole: number): boolean {
  if (whole === 0) return false;
  return share === 'over_half' ? 2 * part > whole : 3 * part >= 2 * whole;
}

/** Rows that keep the roll from being closed. */
export function open(rows: readonly RollRow[]): RollRow[] {
  return rows.filter((row) => row.state === 'unchecked' || (row.state === 'absent' && row.reason === ''));
}
