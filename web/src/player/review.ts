//! What stands beside a recording's picture: where somebody speaks, where nothing is said, small pictures.
import type { Review, SpeakerLane, Thumbs } from '../protocol';

export const REVIEW = 'review.json';
export const THUMBS = 'review.jpg';

/** A silence shorter than this is not skipped, ms: skipping it would only be a jerk. */
const SILENCE_LEAST_MS = 2_500;
/** Skipping ends so long before the next word, ms, and begins so long after the last one. */
const AROUND_MS = 500;

/** Where to go on when everybody is silent at `ms`; null while somebody speaks, or nobody will any more. */
export function afterSilence(lanes: readonly SpeakerLane[], ms: number): number | null {
  let last = 0;
  let next = Number.POSITIVE_INFINITY;
  for (const lane of lanes) {
    for (const [from, to] of lane.spans) {
      if (from > ms) {
        next = Math.min(next, from);
        break;
      }
      last = Math.max(last, to);
    }
  }
  if (!Number.isFinite(next) || last + AROUND_MS > ms || next - last < SILENCE_LEAST_MS) return null;
  const to = next - AROUND_MS;
  return to > ms + AROUND_MS ? to : null;
}

/** Whether the lane's microphone speaks at `ms`. */
export function speaksAt(lane: SpeakerLane, ms: number): boolean {
  return lane.spans.some(([from, to]) => from <= ms && ms < to);
}

/** Where the lane's microphone speaks next after `ms`; its first word when it does not any more. */
export function nextSpeech(lane: SpeakerLane, ms: number): number {
  const next = lane.spans.find(([from]) => from > ms + AROUND_MS);
  return (next ?? lane.spans[0])?.[0] ?? 0;
}

/** Where the small picture of a moment lies in the sheet, pixels from its upper left corner, not positive. */
export function thumbAt(thumbs: Thumbs, ms: number): { x: number; y: number } {
  const index = Math.min(thumbs.count - 1, Math.max(0, Math.floor(ms / thumbs.every_ms)));
  return { x: -(index % thumbs.columns) * thumbs.width, y: -Math.floor(index / thumbs.columns) * thumbs.height };
}

/** The waveform as the outline of a shape of width `waveform.length` and height 2 around the middle line. */
export function outline(waveform: Review['waveform']): string {
  if (waveform.length === 0) return '';
  const half = waveform.map((value) => Math.max(0.02, (value / 255) ** 0.7));
  const above = half.map((value, at) => `${at} ${(1 - value).toFixed(3)}`);
  const below = half.map((value, at) => `${at} ${(1 + value).toFixed(3)}`).reverse();
  return `M${above.join('L')}L${below.join('L')}Z`;
}
