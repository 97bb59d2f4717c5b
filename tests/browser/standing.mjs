//! How long pictures stood, and whose doing it was: of the page that did not run or had the packets and did not decode them, of the
//! camera that sent nothing, or of what lies between them, which is what is tested. All clocks are the machine's, ms.

/** The longest that a picture may stand (issue 3). */
export const FREEZE = 200;

/** What piled up while a page stood is still its own so long after; a camera's frame is on its way so long. */
const AFTER = 250;

/** A camera sends as long as no two frames of a layer are further apart than so many of its intervals. */
const INTERVALS = 2;

/** `stays`: [{from, to, kept: line → publisher}]; `shown`: [{mid, times: [[at, width, received]]}]; `stalls` of the page: [[from, to]];
 * `encoded`: publisher → [[at, width]]. Gives the frames shown, the gaps between them with their cause (`page`, `camera`, `line`),
 * the number of changes of layer, and after how long pictures came that were new on their line, in order. */
export function judge({ stays, shown, stalls, encoded, intervalMs }) {
  const [gaps, first] = [[], []];
  let [frames, switches] = [0, 0];
  // A line that carried the same picture before the turn must not stand over it; on another one a picture begins.
  const isKept = (n, mid) => stays[n - 1]?.kept.get(mid) === stays[n].kept.get(mid);
  for (const { mid, times } of shown) {
    for (let i = 1; i < times.length; i += 1) {
      const [[from, before, receivedFrom], [to, width, received]] = [times[i - 1], times[i]];
      const n = stays.findIndex((it) => to >= it.from && to <= it.to && it.kept.has(mid));
      if (n < 0) continue;
      if (from < stays[n].from && !isKept(n, mid)) {
        if (n > 0) first.push(to - stays[n].from);
        continue;
      }
      frames += 1;
      switches += Number(width !== before);
      if (to - from <= FREEZE) continue;
      const sent = encoded[stays[n].kept.get(mid)] ?? [];
      const isSteady = [...new Set([before, width])].every((it) => longest(sent, it, from - AFTER, to) <= INTERVALS * intervalMs);
      const isStalled = received - receivedFrom <= FREEZE || to - from - stood(stalls, from, to) <= FREEZE;
      const cause = isStalled ? 'page' : isSteady ? 'line' : 'camera';
      gaps.push({ ms: to - from, cause, changes: width !== before, at: to - stays[n].from });
    }
  }
  first.sort((a, b) => a - b);
  return { frames, gaps, switches, first };
}

/** How much of this while a page did not run, or caught up with what had piled up. */
function stood(stalls, from, to) {
  let [sum, until] = [0, from];
  for (const [begins, ends] of stalls.toSorted((a, b) => a[0] - b[0])) {
    const [first, last] = [Math.max(begins, until), Math.min(ends + AFTER, to)];
    if (last <= first) continue;
    sum += last - first;
    until = last;
  }
  return sum;
}

/** The longest time between two frames of a layer that overlaps this while. */
function longest(sent, width, from, to) {
  let [last, most] = [from, 0];
  for (const [at, wide] of sent) {
    if (wide !== width || at < from) continue;
    most = Math.max(most, Math.min(at, to) - last);
    if (at >= to) return most;
    last = at;
  }
  return Math.max(most, to - last);
}
