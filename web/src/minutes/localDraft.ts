//! The copy of unsaved minutes that this browser keeps until the server has them.
import { remember, remembered } from '../lib/storage';
import type { MinutesDocument } from '../protocol';

export interface LocalDraft {
  /** Version on the server that it was made from. */
  version: number;
  /** When it was last changed here, ms. */
  at: number;
  document: MinutesDocument;
}

const key = (meeting: string): string => `minutes.${meeting}`;

/** False when the browser refused to keep it. */
export function keepDraft(meeting: string, draft: LocalDraft): boolean {
  return remember(key(meeting), JSON.stringify(draft));
}

export function dropDraft(meeting: string): void {
  remember(key(meeting), null);
}

/** What is kept; something unreadable counts as nothing. */
export function keptDraft(meeting: string): LocalDraft | null {
  const text = remembered(key(meeting));
  if (text === null) return null;
  try {
    const draft = JSON.parse(text) as Partial<LocalDraft>;
    if (typeof draft.version !== 'number' || typeof draft.at !== 'number') return null;
    if (!Array.isArray(draft.document?.attendance) || !Array.isArray(draft.document.speeches)) return null;
    return { version: draft.version, at: draft.at, document: draft.document };
  } catch {
    return null;
  }
}
