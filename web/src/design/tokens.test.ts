//! Colours are readable: the contrast of every pair that components paint, in both themes (WCAG 2.2, AA).
import { expect, it } from 'vitest';

import CSS from './tokens.css?raw';

/** Text on what it is painted on. */
const TEXTS: readonly (readonly [string, string])[] = [
  ...['bg', 'surface', 'surface-2', 'surface-3'].flatMap((on) => [['text', on], ['text-muted', on]] as const),
  ...['bg', 'surface', 'surface-2', 'accent-soft'].map((on) => ['accent-text', on] as const),
  ...['ok', 'warn', 'danger', 'info', 'gold'].flatMap((kind) => [[`${kind}-text`, `${kind}-soft`], [`${kind}-text`, 'surface']] as const),
  ['on-accent', 'accent'], ['on-accent', 'accent-hover'], ['on-stage', 'stage'], ['on-stage-muted', 'stage-2'],
];
/** Lines of controls and the focus ring. */
const LINES: readonly (readonly [string, string])[] = [
  ['line-strong', 'surface'], ['line-strong', 'bg'], ['focus', 'surface'], ['focus', 'bg'], ['danger', 'surface'],
];

function colours(of: RegExp): Map<string, string> {
  const block = of.exec(CSS)?.[1] ?? '';
  return new Map([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1] ?? '', m[2] ?? '']));
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const light = colours(/:root \{([\s\S]*?)\n\}/);
const dark = new Map([...light, ...colours(/:root\[data-theme='dark'\] \{([\s\S]*?)\n\}/)]);

it.each([['light', light], ['dark', dark]] as const)('%s: texts have 4.5:1, lines 3:1', (_, theme) => {
  const colour = (name: string): string => theme.get(name) ?? `missing ${name}`;
  const weak = [...TEXTS.map((pair) => [...pair, 4.5] as const), ...LINES.map((pair) => [...pair, 3] as const)]
    .map(([front, back, least]) => ({ front, back, least, is: contrast(colour(front), colour(back)) }))
    .filter(({ is, least }) => !(is >= least));
  expect(weak).toEqual([]);
});
