//! The texts are complete, speak Vietnamese, and keep to the glossary.
import { describe, expect, it } from 'vitest';

import conductEn from './conduct.en.json';
import conductVi from './conduct.vi.json';
import deskEn from './desk.en.json';
import deskVi from './desk.vi.json';
import en from './en.json';
import officeEn from './office.en.json';
import officeVi from './office.vi.json';
import paperEn from './paper.en.json';
import paperVi from './paper.vi.json';
import roomEn from './room.en.json';
import roomVi from './room.vi.json';
import vi from './vi.json';

const vietnamese: Record<string, string> = { ...vi, ...roomVi, ...conductVi, ...deskVi, ...paperVi, ...officeVi };
const english: Record<string, string> = { ...en, ...roomEn, ...conductEn, ...deskEn, ...paperEn, ...officeEn };
const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? '').sort();

/** Words that Vietnamese offices write like this: names of products, formats, units and keys. */
const ALLOWED = new Set(
  `micro camera video chrome edge firefox hdmi ctrl caps lock esc enter space tab shift pdf docx json html
  mp4 mb kb gb tb kbit mbit ms fps qr stt ubnd hđnd mttq id url ip sha 256 javascript english zalo
  cpu usb lan 4g opus vp8 home end windows linux windows10 google mozilla microsoft aec h p s km`.split(/\s+/),
);
/** Common English words that would be a leak: a plain word list, lower case. */
const LEAKS =
  /\b(the|and|or|of|is|are|not|with|for|from|your|you|please|error|failed|loading|save|cancel|close|delete|edit|open|search|user|users|host|meeting|meetings|room|chat|click|login|logout|password|server|link|links|mute|unmute|online|offline|file|files|record|recording|join|leave|share|screen|settings|device|speaker|microphone)\b/i;

describe('the texts', () => {
  it('exist in both languages', () => {
    expect(Object.keys(vi).sort()).toEqual(Object.keys(en).sort());
    expect(Object.keys(roomVi).sort()).toEqual(Object.keys(roomEn).sort());
    expect(Object.keys(conductVi).sort()).toEqual(Object.keys(conductEn).sort());
    expect(Object.keys(deskVi).sort()).toEqual(Object.keys(deskEn).sort());
    expect(Object.keys(officeVi).sort()).toEqual(Object.keys(officeEn).sort());
    expect(Object.keys(paperVi).sort()).toEqual(Object.keys(paperEn).sort());
  });

  it('have one owner each', () => {
    const files = [vi, roomVi, conductVi, deskVi, paperVi, officeVi].flatMap((file) => Object.keys(file));
    expect(files.filter((key, index) => files.indexOf(key) !== index)).toEqual([]);
  });

  it('name the same placeholders in both languages', () => {
    for (const [key, text] of Object.entries(vietnamese)) {
      expect([key, ...placeholders(text)]).toEqual([key, ...placeholders(english[key] ?? '')]);
    }
  });

  it('leak no English into Vietnamese', () => {
    const leaks = Object.entries(vietnamese).filter(([key, text]) => {
      if (key.startsWith('language.')) return false;
      const words = text.replace(/\{\w+\}/g, '').split(/[^\p{L}\p{N}]+/u).filter((word) => !ALLOWED.has(word.toLowerCase()));
      return LEAKS.test(words.join(' '));
    });
    expect(leaks).toEqual([]);
  });

  it('address nobody as "bạn" and avoid banned words', () => {
    const banned = Object.entries(vietnamese).filter(([, text]) => /(^|[^\p{L}])(bạn|chát|chat|diễn giả|huyện)([^\p{L}]|$)/iu.test(text));
    expect(banned).toEqual([]);
  });

  it('are composed Unicode (NFC), without doubled or trailing spaces', () => {
    for (const [key, text] of Object.entries(vietnamese)) {
      expect([key, text.normalize('NFC').replace(/ {2,}/g, ' ').trim()]).toEqual([key, text]);
    }
  });
});
