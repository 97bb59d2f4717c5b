//! Moments in a browser's own field for date and time, in Vietnam's time: UTC+7 all the year.

const VIETNAM_MS = 7 * 3_600_000;

/** "2026-11-24T08:00"; empty: none. */
export function inputMoment(at: number | null): string {
  return at === null ? '' : new Date(at + VIETNAM_MS).toISOString().slice(0, 16);
}

/** The moment of such a text; null: none. */
export function momentOfInput(text: string): number | null {
  const at = text === '' ? NaN : Date.parse(`${text}:00Z`);
  return Number.isNaN(at) ? null : at - VIETNAM_MS;
}

/** "08:00 24/11". */
export function shortMoment(at: number): string {
  const text = inputMoment(at);
  return `${text.slice(11, 16)} ${text.slice(8, 10)}/${text.slice(5, 7)}`;
}
