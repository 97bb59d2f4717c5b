//! Every word on the screen. `t(key, params)` is reactive: switching the language repaints. Vietnamese
//! is in the first load; English is fetched when it is chosen.
import type { ErrorCode } from '../protocol';
import { remember, remembered } from '../lib/storage';
import type conductVi from './conduct.vi.json';
import type deskVi from './desk.vi.json';
import type officeVi from './office.vi.json';
import type paperVi from './paper.vi.json';
import roomVi from './room.vi.json';
import vi from './vi.json';

export type MessageKey = keyof typeof vi | keyof typeof roomVi | keyof typeof conductVi | keyof typeof deskVi | keyof typeof paperVi | keyof typeof officeVi;
export type Language = 'vi' | 'en';
type Messages = Readonly<Record<string, string>>;

const vietnamese: Messages = { ...vi, ...roomVi };
let messages = $state.raw<Messages>(vietnamese);
let language = $state<Language>('vi');

/** The text of a key, with `{name}` replaced. A key that English lacks is shown in Vietnamese. */
export function t(key: MessageKey, params?: Readonly<Record<string, string | number>>): string {
  const text = messages[key] ?? vietnamese[key] ?? key;
  return filled(text, params);
}

function filled(text: string, params?: Readonly<Record<string, string | number>>): string {
  if (params === undefined) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/** Adds words that only some pages need: said by a module of theirs, before anything of it is shown. */
export function learn(words: Messages): void {
  Object.assign(vietnamese, words);
}

/** For what is printed: minutes of a Vietnamese authority are Vietnamese whatever language the page is in. */
export function onPaper(key: MessageKey, params?: Readonly<Record<string, string | number>>): string {
  return filled(vietnamese[key] ?? key, params);
}

// Every code of the server has its sentence: this line does not compile otherwise.
type Sentence<Code extends string> = `error.${Code}` extends keyof typeof vi ? Code : never;
const sentenceOf = <Code extends ErrorCode | 'network'>(code: Code & Sentence<Code>): MessageKey =>
  `error.${code}` as MessageKey;

/** What happened and what to do about it, in one or two sentences. */
export function errorText(code: ErrorCode | 'network'): string {
  return t(sentenceOf(code));
}

export function currentLanguage(): Language {
  return language;
}

export async function setLanguage(next: Language): Promise<void> {
  if (next === 'en') {
    const parts = await Promise.all([
      import('./en.json'), import('./room.en.json'), import('./conduct.en.json'), import('./desk.en.json'), import('./paper.en.json'), import('./office.en.json'),
    ]);
    messages = Object.assign({}, ...parts.map((part) => part.default)) as Messages;
  } else {
    messages = vietnamese;
  }
  language = next;
  document.documentElement.lang = next;
  remember('language', next === 'vi' ? null : next);
}

/** Restores the remembered language, once, before the page is mounted. */
export async function startLanguage(): Promise<void> {
  if (remembered('language') !== 'en') return;
  try {
    await setLanguage('en');
  } catch {
    // The English texts could not be fetched: Vietnamese is there.
  }
}
