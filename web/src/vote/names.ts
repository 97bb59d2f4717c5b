//! Delegates from a typed list: one a line, "Họ và tên, chức vụ"; a line that ends in "(dự thính)" does not vote.

import type { NewDelegate } from '../protocol';

/** At most so many at once, as on the server. */
const AT_ONCE_MAX = 500;
const SITS_IN = /\(\s*dự thính\s*\)\s*$/iu;

export function namesIn(text: string): NewDelegate[] {
  const lines = text.normalize('NFC').split('\n').map((line) => line.trim()).filter((line) => line !== '');
  return lines.slice(0, AT_ONCE_MAX).map((line) => {
    const bare = line.replace(/^\d+[.)]\s*/u, '').replace(SITS_IN, '').trim();
    const comma = bare.indexOf(',');
    return {
      name: (comma < 0 ? bare : bare.slice(0, comma)).trim(),
      title: comma < 0 ? '' : bare.slice(comma + 1).trim(),
      votes: !SITS_IN.test(line),
    };
  }).filter((delegate) => delegate.name !== '');
}
