//! Short notices at the foot of the page, with an optional way back (undo). `Toasts.svelte` shows them.

export interface Toast {
  id: number;
  text: string;
  kind: 'ok' | 'info' | 'warn' | 'error';
  undo: (() => void) | null;
}

/** More than this at once and the oldest goes. */
const TOASTS_MAX = 4;
const TOAST_MS = 5_000;
/** With something to read and decide. */
const TOAST_LONG_MS = 10_000;

let toasts = $state.raw<readonly Toast[]>([]);
let lastId = 0;

export function currentToasts(): readonly Toast[] {
  return toasts;
}

/** Shows a notice; errors and those with `undo` stay longer. Returns its id for `dismiss`. */
export function toast(
  text: string,
  options: { kind?: Toast['kind']; undo?: () => void } = {},
): number {
  const kind = options.kind ?? 'info';
  const next: Toast = { id: ++lastId, text, kind, undo: options.undo ?? null };
  toasts = [...toasts.filter((other) => other.text !== text || other.undo !== null), next].slice(-TOASTS_MAX);
  const long = next.undo !== null || kind === 'error';
  setTimeout(() => dismiss(next.id), long ? TOAST_LONG_MS : TOAST_MS);
  return next.id;
}

export function dismiss(id: number): void {
  toasts = toasts.filter((one) => one.id !== id);
}
