//! Ids that the page chooses itself (ULID: 48 bits of time, 80 random, Crockford's base 32), so that a
//! command can be sent again and is carried out once.

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

/** A new id of the moment `unix_ms`. `random` fills the given bytes. */
export function ulid(unix_ms: number, random: (bytes: Uint8Array<ArrayBuffer>) => void): string {
  let time = '';
  let rest = Math.floor(unix_ms);
  for (let n = 0; n < TIME_DIGITS; n += 1) {
    time = (DIGITS[rest % 32] ?? '0') + time;
    rest = Math.floor(rest / 32);
  }
  const bytes = new Uint8Array(RANDOM_DIGITS);
  random(bytes);
  return time + Array.from(bytes, (byte) => DIGITS[byte % 32] ?? '0').join('');
}
