//! What joining a meeting loads says only words that it has: the rest is learned by pages loaded later.
import { describe, expect, it } from 'vitest';

import conduct from './conduct.vi.json';
import desk from './desk.vi.json';
import office from './office.vi.json';
import paper from './paper.vi.json';

const sources = import.meta.glob<string>('../**/*.{svelte,ts}', { query: '?raw', import: 'default', eager: true });
const SUFFIXES = ['', '.ts', '.svelte.ts', '/index.ts'];
const IMPORT = /^\s*(?:import|export)\s+(?!type\b)(?:[^;']*?\sfrom\s+)?'(\.[^']+)'/gm;

/** A path of `sources` for what `from` imports as `spec`; null for what is no source (styles, texts). */
function found(from: string, spec: string): string | null {
  const url = new URL(spec, `file:///src/i18n/${from}`).pathname.replace(/^\/src\//, '');
  const path = url.startsWith('i18n/') ? `./${url.slice('i18n/'.length)}` : `../${url}`;
  return SUFFIXES.map((suffix) => path + suffix).find((name) => name in sources) ?? null;
}

/** Everything that `entry` loads before it is shown. */
function closure(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const [, spec = ''] of (sources[entry] ?? '').matchAll(IMPORT)) {
    const next = found(entry, spec);
    if (next !== null) closure(next, seen);
  }
  return seen;
}

function spoken(modules: Iterable<string>, words: object): string[] {
  const text = [...modules].map((name) => sources[name] ?? '').join('\n');
  return Object.keys(words).filter((key) => text.includes(`'${key}'`) || text.includes(`"${key}"`));
}

const joins = new Set(['../main.ts', '../join/JoinPage.svelte', '../room/RoomPage.svelte'].flatMap((entry) => [...closure(entry)]));

describe('the words of a page', () => {
  it('are loaded with it when it joins a meeting', () => {
    expect(joins.size).toBeGreaterThan(50);
    expect(spoken(joins, { ...conduct, ...desk, ...office, ...paper })).toEqual([]);
  });

  it('are learned by every page that is loaded later and says them', () => {
    const later = Object.entries(sources).flatMap(([from, text]) =>
      [...text.matchAll(/import\('(\.[^']+\.svelte|\.\/secondWindow)'\)/g)].map(([, spec = '']) => found(from, spec)));
    expect(later.length).toBeGreaterThan(10);
    // Pages of the office are loaded by the office, which has learned everything.
    const silent = later.filter((entry): entry is string => entry !== null && !/^\.\.\/(office|join)\//.test(entry)).filter((entry) => {
      const modules = closure(entry);
      return !modules.has('./words.ts') && spoken([...modules].filter((name) => !joins.has(name)), { ...conduct, ...desk }).length > 0;
    });
    expect(silent).toEqual([]);
  });
});
