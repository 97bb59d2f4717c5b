//! Numbers as offices write them: 1.234,5 in Vietnamese.
import type { Language } from '../i18n/t.svelte';

/** "1.234,5"; at most `digits` behind the comma, none that are zero. */
export function number(value: number, language: Language, digits = 1): string {
  const [whole = '0', rest = ''] = Math.abs(value).toFixed(digits).split('.');
  const [group, comma] = language === 'vi' ? ['.', ','] : [',', '.'];
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, group);
  const tail = rest.replace(/0+$/, '');
  const isZero = /^0+$/.test(whole) && tail === '';
  return `${value < 0 && !isZero ? '−' : ''}${grouped}${tail === '' ? '' : comma + tail}`;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** "1,5 GB"; a unit is 1,024 of the one before. */
export function fileSize(bytes: number, language: Language): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number(value, language, unit === 0 || value >= 100 ? 0 : 1)} ${UNITS[unit] ?? ''}`;
}

/** "96,6%" */
export function percent(share: number, language: Language, digits = 1): string {
  return `${number(share * 100, language, digits)}%`;
}
