//! One question at a time: `await ask({...})` is true when it was confirmed. `Ask.svelte` shows it.

export interface Question {
  title: string;
  text: string;
  /** What the confirming button says: the act, not "yes". */
  action: string;
  /** The act destroys something. */
  danger?: boolean;
}

interface Asked extends Question {
  answer: (confirmed: boolean) => void;
}

let asked = $state.raw<Asked | null>(null);

export function currentQuestion(): Asked | null {
  return asked;
}

export function ask(question: Question): Promise<boolean> {
  asked?.answer(false);
  return new Promise((resolve) => {
    asked = {
      ...question,
      answer: (confirmed) => {
        asked = null;
        resolve(confirmed);
      },
    };
  });
}
