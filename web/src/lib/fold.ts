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

/** Whether every word of the query begins a word of the text; an empty query finds all. */
export function finds(query: string, text: string): boolean {
  const words = fold(text).split(/[^\p{L}\p{N}]+/u);
  return fold(query)
    .split(/[^\p{L}\p{N}]+/u)
    .every((wanted) => words.some((word) => word.startsWith(wanted)));
}
