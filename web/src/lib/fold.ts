//! Finding Vietnamese names however they are typed: "le thuy", "Lệ Thuỷ" and "LỆ THỦY" are one. Folding
//! is for searching only: it makes different names equal, so it never identifies anything.

/** Lower case, without marks, đ as d, spaces single. Composed and decomposed input fold alike. */
export function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .replace(/[đĐ]/g, 'd')
    .toLowerCase()
    .replace(/\s+/gu, ' ')
    .trim();
}

/**
 * Whether every word of the query begins a word of the text, each another one: "con co" finds Cồn Cỏ and not
 * Cồn Tiên. An empty query finds all.
 */
export function finds(query: string, text: string): boolean {
  const words = wordsOf(text);
  // The longest first: it has the fewest words to choose from.
  const wanted = wordsOf(query).sort((a, b) => b.length - a.length);
  return wanted.every((start) => {
    const index = words.findIndex((word) => word.startsWith(start));
    if (index >= 0) words.splice(index, 1);
    return index >= 0;
  });
}

function wordsOf(text: string): string[] {
  return fold(text).split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
}
