//! What this browser remembers. A browser that forbids storage only forgets: nothing fails.

/** The stored text, or `null`. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`diemcau.${key}`);
  } catch {
    return null;
  }
}

/** Stores a text; `null` forgets it. False when the browser refused. */
export function remember(key: string, value: string | null): boolean {
  try {
    if (value === null) localStorage.removeItem(`diemcau.${key}`);
    else localStorage.setItem(`diemcau.${key}`, value);
    return true;
  } catch {
    return false;
  }
}
