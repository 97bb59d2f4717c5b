//! A clock that components may read: `ticking()` is this machine's time and changes every second while
//! somebody keeps it running.

let now = $state(Date.now());
let n_users = 0;
let timer: ReturnType<typeof setInterval> | null = null;

/** This machine's time, ms; reactive. */
export function ticking(): number {
  return now;
}

/** Keeps the clock running; returns how to let go. For `$effect`. */
export function keepTicking(): () => void {
  n_users += 1;
  timer ??= setInterval(() => (now = Date.now()), 1_000);
  return () => {
    n_users -= 1;
    if (n_users > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}
