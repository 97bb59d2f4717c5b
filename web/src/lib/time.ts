//! Moments as offices write them. Vietnam is +07:00 all year; computed here and not by `Intl`, whose
//! Vietnamese forms are not those of Nghị định 30/2020. Moments are milliseconds since 1970, UTC.
import type { Language } from '../i18n/t.svelte';

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** Asia/Ho_Chi_Minh: +07:00, no summer time. */
const OFFSET_MS = 7 * HOUR_MS;

const WEEKDAYS: Record<Language, readonly string[]> = {
  vi: ['Chủ nhật', 'thứ Hai', 'thứ Ba', 'thứ Tư', 'thứ Năm', 'thứ Sáu', 'thứ Bảy'],
  en: ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'],
};
const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June',
  'July', 'August', 'September', 'October', 'November', 'December',
] as const;

const two = (value: number): string => String(value).padStart(2, '0');
/** A date whose UTC fields are the local ones. */
const local = (at: number): Date => new Date(at + OFFSET_MS);

/** "13/09/2026" */
export function day(at: number): string {
  const date = local(at);
  return `${two(date.getUTCDate())}/${two(date.getUTCMonth() + 1)}/${date.getUTCFullYear()}`;
}

/** "13/09" */
export function dayAndMonth(at: number): string {
  return day(at).slice(0, 5);
}

/** "08:05" */
export function clock(at: number): string {
  const date = local(at);
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
}

/** "08:05:09" */
export function clockSeconds(at: number): string {
  return `${clock(at)}:${two(local(at).getUTCSeconds())}`;
}

/** "08:05 13/09/2026" */
export function dayAndClock(at: number): string {
  return `${clock(at)} ${day(at)}`;
}

/** "thứ Ba", "Chủ nhật" */
export function weekday(at: number, language: Language): string {
  return WEEKDAYS[language][local(at).getUTCDay()] ?? '';
}

/** "ngày 05 tháng 9 năm 2026": days below 10 and the months 1 and 2 get a zero (Nghị định 30/2020). */
export function dayInWords(at: number, language: Language): string {
  const date = local(at);
  const month = date.getUTCMonth() + 1;
  if (language === 'en') return `${date.getUTCDate()} ${MONTHS[month - 1] ?? ''} ${date.getUTCFullYear()}`;
  const months = month <= 2 ? two(month) : String(month);
  return `ngày ${two(date.getUTCDate())} tháng ${months} năm ${date.getUTCFullYear()}`;
}

/** "08 giờ 00 phút, ngày 15 tháng 9 năm 2026 (thứ Ba)" */
export function fullMoment(at: number, language: Language): string {
  const date = local(at);
  const words = `${dayInWords(at, language)} (${weekday(at, language)})`;
  if (language === 'en') return `${clock(at)}, ${words}`;
  return `${two(date.getUTCHours())} giờ ${two(date.getUTCMinutes())} phút, ${words}`;
}

/** Whole days from the day of `now` to that of `at`: 0 today, 1 tomorrow, −1 yesterday. */
export function daysAhead(at: number, now: number): number {
  return Math.floor((at + OFFSET_MS) / DAY_MS) - Math.floor((now + OFFSET_MS) / DAY_MS);
}

/** "2026-09-13", for `<input type="date">`. */
export function dateInput(at: number): string {
  const date = local(at);
  return `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}

/** The moment of a date ("2026-09-13") and a time ("08:05") in Vietnam; null when they are none. */
export function momentOf(date: string, time: string): number | null {
  const days = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  const hours = /^(\d{2}):(\d{2})$/.exec(time);
  if (days === null || hours === null) return null;
  const at = Date.UTC(Number(days[1]), Number(days[2]) - 1, Number(days[3]), Number(hours[1]), Number(hours[2]));
  const isReal = dateInput(at - OFFSET_MS) === date && clock(at - OFFSET_MS) === time;
  return isReal ? at - OFFSET_MS : null;
}

/** A day as people type it: "24/11/2026", "24-11-26", "24.11" (of the year of `now`); as "2026-11-24", or null. */
export function dayTyped(text: string, now: number): string | null {
  const parts = /^\s*(\d{1,2})[\s./-]+(\d{1,2})(?:[\s./-]+(\d{4}|\d{2}))?\s*$/.exec(text);
  if (parts === null) return null;
  const [, dd = '', mm = '', year = dateInput(now).slice(0, 4)] = parts;
  const date = `${year.length === 2 ? `20${year}` : year}-${mm.padStart(2, '0')}-${dd.padStart(2, '0')}`;
  return momentOf(date, '00:00') === null ? null : date;
}

/** A time as people type it: "8", "8h", "8h30", "08:30", "8 giờ 30", "0830"; as "08:30", or null. */
export function clockTyped(text: string): string | null {
  const parts =
    /^\s*(\d{1,2})\s*(?:(?:[:.hg]|giờ)\s*(\d{1,2})?\s*(?:p|phút)?)?\s*$/iu.exec(text.normalize('NFC')) ??
    /^\s*(\d{2})(\d{2})\s*$/.exec(text);
  if (parts === null) return null;
  const [, hours = '', minutes = '0'] = parts;
  return Number(hours) < 24 && Number(minutes) < 60 ? `${two(Number(hours))}:${two(Number(minutes))}` : null;
}

/** A length for the ear: "1 giờ 05 phút", "12 phút 30 giây", "8 giây". */
export function length(ms: number, language: Language): string {
  const seconds = Math.max(0, Math.round(ms / SECOND_MS));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hour, minute, second] = language === 'vi' ? ['giờ', 'phút', 'giây'] : ['h', 'min', 's'];
  if (h > 0) return `${h} ${hour} ${two(m)} ${minute}`;
  if (m > 0) return `${m} ${minute} ${two(s)} ${second}`;
  return `${s} ${second}`;
}

/** A length for the eye: "1:02:03", "12:30". */
export function counter(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND_MS));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}
