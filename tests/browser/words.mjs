//! The visible words of the page, from its own message files: what a person reads is what a test looks for.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../web/src/i18n');
const messages = {
  ...JSON.parse(readFileSync(join(folder, 'vi.json'), 'utf8')),
  ...JSON.parse(readFileSync(join(folder, 'room.vi.json'), 'utf8')),
  ...JSON.parse(readFileSync(join(folder, 'conduct.vi.json'), 'utf8')),
  ...JSON.parse(readFileSync(join(folder, 'desk.vi.json'), 'utf8')),
  ...JSON.parse(readFileSync(join(folder, 'paper.vi.json'), 'utf8')),
  ...JSON.parse(readFileSync(join(folder, 'office.vi.json'), 'utf8')),
};

/** The Vietnamese text of a key, with `{name}` replaced. */
export function vi(key, params = {}) {
  const text = messages[key];
  if (text === undefined) throw new Error(`the page has no words for ${key}`);
  return text.replace(/\{(\w+)\}/gu, (whole, name) => String(params[name] ?? whole));
}
