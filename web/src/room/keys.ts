//! Keyboard shortcuts: one letter, one act; never while somebody types or a dialog is open.

/** What a key does; the name is what the help sheet shows. */
export interface Shortcut {
  key: string;
  label: string;
  act: () => void;
}

/** Whether a key press belongs to a field, a dialog or the browser. */
export function isTyping(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest('dialog[open], [role="menu"]') !== null) return true;
  return ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

/** Carries out the shortcut of a key press. True: it was one. */
export function pressed(event: KeyboardEvent, shortcuts: readonly Shortcut[]): boolean {
  if (isTyping(event)) return false;
  const key = event.key.toUpperCase();
  const found = shortcuts.find((shortcut) => shortcut.key === key);
  if (found === undefined) return false;
  event.preventDefault();
  found.act();
  return true;
}
