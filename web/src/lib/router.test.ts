//! Addresses mean what docs and letters say they mean.
import { expect, it } from 'vitest';

import { parse } from './router.svelte';

it('every address has its page', () => {
  expect(parse('/')).toEqual({ page: 'home' });
  expect(parse('/dang-nhap')).toEqual({ page: 'sign-in' });
  expect(parse('/hoi-nghi')).toEqual({ page: 'meetings' });
  expect(parse('/hoi-nghi/moi')).toEqual({ page: 'new-meeting' });
  expect(parse('/hoi-nghi/01ABC')).toEqual({ page: 'meeting', id: '01ABC' });
  expect(parse('/hoi-nghi/01ABC/phong')).toEqual({ page: 'room', id: '01ABC' });
  expect(parse('/vao/s3cr3t')).toEqual({ page: 'join', token: 's3cr3t' });
  expect(parse('/ban-ghi/')).toEqual({ page: 'recordings' });
  expect(parse('/ban-ghi/01R')).toEqual({ page: 'player', id: '01R' });
  expect(parse('/mang-luoi')).toEqual({ page: 'nodes' });
  expect(parse('/bien-ban/01M')).toEqual({ page: 'minutes', meeting: '01M' });
});

it('other addresses are unknown, malformed ones too', () => {
  expect(parse('/vao')).toEqual({ page: 'unknown' });
  expect(parse('/hoi-nghi/1/khac')).toEqual({ page: 'unknown' });
  expect(parse('/%E0%A4%A')).toEqual({ page: 'unknown' });
});
