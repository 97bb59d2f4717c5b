//! The pure parts of the media code.
import { describe, expect, test } from 'vitest';

import { retryDelayMs } from './connection';
import { cameraConstraints, levelOf, microphoneConstraints, problemOf } from './devices';
import { countersOf, gradeOf, reportOf } from './quality';
import { withOpusOptions } from './sdp';

const choice = { camera: '', microphone: '', loudspeaker: '', amplifier: false, camera_off: false };

describe('Opus options', () => {
  const sdp = [
    'v=0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=rtpmap:111 opus/48000/2',
    'a=fmtp:111 minptime=10;usedtx=0;useinbandfec=1',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'a=rtpmap:96 VP8/90000',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=rtpmap:111 opus/48000/2',
    '',
  ].join('\r\n');

  test('are set once on every sound line, and other lines stay as they are', () => {
    const changed = withOpusOptions(sdp).split('\r\n');
    expect(changed[3]).toBe('a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1');
    expect(changed.filter((line) => line.startsWith('a=fmtp'))).toHaveLength(2);
    expect(changed).toContain('a=rtpmap:96 VP8/90000');
    expect(withOpusOptions(withOpusOptions(sdp))).toBe(withOpusOptions(sdp));
  });
});

describe('the report', () => {
  test('is the difference of two moments', () => {
    const before = { at: 0, received: 100, lost: 5, bytes: 1_000, rtt_ms: 10 };
    const now = { at: 5_000, received: 190, lost: 15, bytes: 626_000, rtt_ms: 21.4 };
    expect(reportOf(before, now)).toEqual({
      type: 'report', lost_permille: 100, rtt_ms: 21, received_bps: 1_000_000,
    });
  });

  test('of a new connection does not go below zero', () => {
    const before = { at: 0, received: 900, lost: 50, bytes: 9_000, rtt_ms: 0 };
    const now = { at: 1_000, received: 10, lost: 0, bytes: 500, rtt_ms: 0 };
    expect(reportOf(before, now)).toMatchObject({ lost_permille: 0, received_bps: 4_000 });
  });

  test('adds up receiving lines only and takes the way that is used', () => {
    const stats = [
      { type: 'inbound-rtp', packetsReceived: 5, packetsLost: 1, bytesReceived: 10 },
      { type: 'inbound-rtp', packetsReceived: 7, packetsLost: 0, bytesReceived: 20 },
      { type: 'outbound-rtp', packetsReceived: 99 },
      { type: 'candidate-pair', state: 'succeeded', nominated: true, currentRoundTripTime: 0.03 },
      { type: 'candidate-pair', state: 'succeeded', nominated: false, currentRoundTripTime: 0.9 },
    ];
    expect(countersOf(stats, 3)).toEqual({ at: 3, received: 12, lost: 1, bytes: 30, rtt_ms: 30 });
  });

  test('grades a line', () => {
    expect(gradeOf(0, 20)).toBe('good');
    expect(gradeOf(20, 20)).toBe('fair');
    expect(gradeOf(0, 900)).toBe('weak');
  });
});

describe('devices', () => {
  test('a room with an amplifier gets its sound unprocessed', () => {
    expect(microphoneConstraints({ ...choice, amplifier: true })).toMatchObject({
      echoCancellation: false, noiseSuppression: false, autoGainControl: false,
    });
    expect(microphoneConstraints(choice)).toMatchObject({ echoCancellation: true });
  });

  test('a device that is gone is a wish, not a condition', () => {
    expect(cameraConstraints({ ...choice, camera: 'x' }).deviceId).toEqual({ ideal: 'x' });
    expect(cameraConstraints(choice).deviceId).toBeUndefined();
  });

  test('problems are told apart', () => {
    const named = (name: string) => Object.assign(new Error(), { name });
    expect(problemOf(named('NotAllowedError'))).toBe('denied');
    expect(problemOf(named('NotFoundError'))).toBe('missing');
    expect(problemOf(named('NotReadableError'))).toBe('busy');
    expect(problemOf('?')).toBe('failed');
  });

  test('the level is 0 in silence and 1 at full scale', () => {
    expect(levelOf(new Float32Array(64))).toBe(0);
    expect(levelOf(new Float32Array(64).fill(1))).toBe(1);
    expect(levelOf(new Float32Array(64).fill(0.1))).toBeCloseTo(2 / 3);
  });
});

test('a new offer is made after 0.3 s at most, and at least every 8 s', () => {
  expect(retryDelayMs(0, 1)).toBe(300);
  expect(retryDelayMs(99, 1)).toBe(8_000);
});
