//! What a recording is made of, for the page: the composed video, and the files it was made from.
import type { MessageKey } from '../i18n/t.svelte';
import type { Chapter, Recording, RecordingFile } from '../protocol';
import { REVIEW, THUMBS } from './review';

export const COMPOSED = 'composed.mp4';

/** The composed video, when it is there. */
export function composedOf(recording: Recording): RecordingFile | null {
  return recording.files.find((file) => file.path === COMPOSED) ?? null;
}

/** What the recorder made from the originals. */
const DERIVED: readonly string[] = [COMPOSED, REVIEW, THUMBS];

/** Every other file, by path. */
export function originalsOf(recording: Recording): RecordingFile[] {
  return recording.files.filter((file) => !DERIVED.includes(file.path)).sort((a, b) => a.path.localeCompare(b.path));
}

/** Whether it will change by itself, so that the page has to look again. */
export function isMoving(recording: Recording): boolean {
  switch (recording.phase) {
    case 'recording':
    case 'composing':
      return true;
    case 'ready':
    case 'failed':
    case 'destroyed':
      return false;
  }
}

/** The chapter that is playing at a moment of the video: the last one that has begun, or −1. */
export function chapterAt(chapters: readonly Chapter[], ms: number): number {
  let now = -1;
  chapters.forEach((chapter, index) => {
    if (chapter.ms <= ms) now = index;
  });
  return now;
}

/** Where "previous chapter" goes: the beginning of this one, or of the one before when it has just begun. */
export function previousChapter(chapters: readonly Chapter[], ms: number): number {
  const JUST_BEGUN_MS = 3_000;
  const now = chapterAt(chapters, ms - JUST_BEGUN_MS);
  return chapters[now]?.ms ?? 0;
}

/** Where "next chapter" goes; null after the last one. */
export function nextChapter(chapters: readonly Chapter[], ms: number): number | null {
  return chapters[chapterAt(chapters, ms) + 1]?.ms ?? null;
}

/** What a chapter is called. */
export function textOfChapter(chapter: Chapter, say: (key: MessageKey, params?: Record<string, string>) => string): string {
  if (chapter.kind === 'gap') return say('player.gap');
  if (chapter.kind !== 'page') return chapter.text;
  const [name = '', page = ''] = chapter.text.split('\n');
  return say('player.page', { name, page });
}
