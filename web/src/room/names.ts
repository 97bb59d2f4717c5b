//! Names for narrow places.

/** The name without "Điểm cầu": "Điểm cầu xã Lệ Thủy" → "Xã Lệ Thủy". */
export function shortName(name: string): string {
  const short = name.normalize('NFC').replace(/^điểm cầu\s+/iu, '');
  return short.slice(0, 1).toLocaleUpperCase('vi') + short.slice(1);
}
