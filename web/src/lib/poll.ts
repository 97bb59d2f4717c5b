//! Asking again and again, politely: never twice at once, not while the page is hidden, and slower while the
//! server does not answer.

/** After a failure the pause doubles, up to this. */
const PAUSE_MS_MAX = 30_000;

/**
 * Calls `work` now and then every `pauseMs()` after it has finished; a pause of `null` ends it. Returns the
 * function that stops it. `work` reports its own failures and returns false for one.
 */
export function poll(work: () => Promise<boolean>, pauseMs: () => number | null): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  let isRunning = false;
  let failures = 0;

  async function run(): Promise<void> {
    if (isStopped || isRunning) return;
    clearTimeout(timer);
    isRunning = true;
    failures = (await work()) ? 0 : failures + 1;
    isRunning = false;
    const pause = pauseMs();
    if (isStopped || pause === null) return;
    timer = setTimeout(() => {
      if (!document.hidden) void run();
    }, Math.min(PAUSE_MS_MAX, pause * 2 ** Math.min(failures, 8)));
  }
  const seen = (): void => {
    if (!document.hidden) void run();
  };
  document.addEventListener('visibilitychange', seen);
  void run();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', seen);
  };
}
