//! Light or dark, and the size of the text. Both are remembered by this browser; without a choice the
//! theme follows the system.
import { remember, remembered } from './storage';

export type Theme = 'system' | 'light' | 'dark';

/** Steps of the text size control; 1 is the normal size. */
export const TEXT_SIZE_MAX = 3;
const TEXT_SIZE_NORMAL = 1;

let theme = $state<Theme>('system');
let systemDark = $state(false);
let textSize = $state(TEXT_SIZE_NORMAL);

export const appearance = {
  get theme(): Theme {
    return theme;
  },
  /** What is painted now. */
  get isDark(): boolean {
    return theme === 'dark' || (theme === 'system' && systemDark);
  },
  /** 0 … TEXT_SIZE_MAX. */
  get textSize(): number {
    return textSize;
  },
};

export function setTheme(next: Theme): void {
  theme = next;
  remember('theme', next === 'system' ? null : next);
  paint();
}

export function setTextSize(step: number): void {
  textSize = Math.min(TEXT_SIZE_MAX, Math.max(0, Math.round(step)));
  remember('text', textSize === TEXT_SIZE_NORMAL ? null : String(textSize));
  paint();
}

/** Reads what is remembered, once, before the page is mounted. */
export function startAppearance(): void {
  const saved = remembered('theme');
  if (saved === 'light' || saved === 'dark') theme = saved;
  const step = Number(remembered('text') ?? TEXT_SIZE_NORMAL);
  if (Number.isInteger(step) && step >= 0 && step <= TEXT_SIZE_MAX) textSize = step;
  const query = matchMedia('(prefers-color-scheme: dark)');
  systemDark = query.matches;
  query.addEventListener('change', (event) => {
    systemDark = event.matches;
    paint();
  });
  paint();
}

function paint(): void {
  const root = document.documentElement;
  root.dataset['theme'] = appearance.isDark ? 'dark' : 'light';
  root.dataset['text'] = String(textSize);
}
