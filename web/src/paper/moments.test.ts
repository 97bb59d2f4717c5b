import { expect, test } from 'vitest';
import { inputMoment, momentOfInput, shortMoment } from './moments';

test('a moment goes into the field and comes back, in Vietnam time', () => {
  const at = Date.UTC(2026, 10, 24, 1, 0);
  expect(inputMoment(at)).toBe('2026-11-24T08:00');
  expect(momentOfInput('2026-11-24T08:00')).toBe(at);
  expect([inputMoment(null), momentOfInput('')]).toEqual(['', null]);
  expect(shortMoment(at)).toBe('08:00 24/11');
});
