//! Moments are written as Nghị định 30/2020 and the offices write them, whatever zone the machine is in.
import { describe, expect, it } from 'vitest';

import { fileSize, number, percent } from './format';
import * as time from './time';

const at = (text: string): number => Date.parse(`${text}+07:00`);

describe('a moment', () => {
  it('is written in full with padded days and the months 1 and 2 padded', () => {
    expect(time.fullMoment(at('2016-09-13T08:00:00'), 'vi')).toBe('08 giờ 00 phút, ngày 13 tháng 9 năm 2016 (thứ Ba)');
    expect(time.fullMoment(at('2026-02-01T14:05:00'), 'vi')).toBe('14 giờ 05 phút, ngày 01 tháng 02 năm 2026 (Chủ nhật)');
    expect(time.dayInWords(at('2025-07-05T00:00:00'), 'vi')).toBe('ngày 05 tháng 7 năm 2025');
  });

  it('is written short as dd/MM/yyyy and HH:mm in Vietnam time', () => {
    expect(time.day(Date.UTC(2025, 11, 31, 17, 30))).toBe('01/01/2026');
    expect(time.clock(Date.UTC(2025, 11, 31, 17, 30))).toBe('00:30');
    expect(time.dayAndClock(at('2026-09-13T08:05:09'))).toBe('08:05 13/09/2026');
  });

  it('comes back from the fields of a form', () => {
    const moment = at('2026-09-13T08:05:00');
    expect(time.momentOf(time.dateInput(moment), time.clock(moment))).toBe(moment);
    expect(time.momentOf('2026-02-30', '08:00')).toBeNull();
    expect(time.momentOf('', '08:00')).toBeNull();
  });

  it('counts days by the calendar of Vietnam', () => {
    const lateEvening = at('2026-09-13T23:59:00');
    expect(time.daysAhead(at('2026-09-14T00:01:00'), lateEvening)).toBe(1);
    expect(time.daysAhead(at('2026-09-13T00:01:00'), lateEvening)).toBe(0);
    expect(time.daysAhead(at('2026-09-12T23:59:00'), lateEvening)).toBe(-1);
  });
});

describe('what is typed', () => {
  it('is understood as a day in the ways people write days', () => {
    const now = at('2026-11-23T10:00:00');
    for (const text of ['24/11/2026', '24-11-26', ' 24.11.2026 ', '24/11']) {
      expect([text, time.dayTyped(text, now)]).toEqual([text, '2026-11-24']);
    }
    for (const text of ['', '11/24/2026', '30/2/2026', 'mai', '24']) expect([text, time.dayTyped(text, now)]).toEqual([text, null]);
  });

  it('is understood as a time in the ways people say times', () => {
    for (const text of ['8', '8h', '08:00', '8h00', '8 giờ', '8g', '0800', '8 giờ 00 phút'.normalize('NFD')]) {
      expect([text, time.clockTyped(text)]).toEqual([text, '08:00']);
    }
    expect(time.clockTyped('14h30')).toBe('14:30');
    for (const text of ['', '24:00', '8:75', 'sáng', '8 AM']) expect([text, time.clockTyped(text)]).toEqual([text, null]);
  });
});

describe('a length', () => {
  it('is said in words and shown as a counter', () => {
    expect(time.length(3_900_000, 'vi')).toBe('1 giờ 05 phút');
    expect(time.length(750_000, 'vi')).toBe('12 phút 30 giây');
    expect(time.length(8_200, 'vi')).toBe('8 giây');
    expect(time.counter(3_723_000)).toBe('1:02:03');
    expect(time.counter(750_900)).toBe('12:30');
  });
});

describe('a number', () => {
  it('has a comma before decimals and points between thousands', () => {
    expect(number(1234.5, 'vi')).toBe('1.234,5');
    expect(number(1_234_567.84, 'vi')).toBe('1.234.567,8');
    expect(number(-0.01, 'vi')).toBe('0');
    expect(number(1234.5, 'en')).toBe('1,234.5');
    expect(percent(0.656, 'vi')).toBe('65,6%');
  });

  it('tells the size of a file', () => {
    expect(fileSize(1_610_612_736, 'vi')).toBe('1,5 GB');
    expect(fileSize(999, 'vi')).toBe('999 B');
    expect(fileSize(1024, 'vi')).toBe('1 KB');
    expect(fileSize(734_003_200, 'vi')).toBe('700 MB');
  });
});
