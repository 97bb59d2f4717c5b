//! The ballot of a secret poll: RSABSSA-SHA384-PSS-Deterministic of RFC 9474. The number of the ballot is drawn
//! here and leaves this machine blinded; what comes back is a signature of the server over a number that it has
//! never seen. Hashing and randomness are the browser's.

const HASH = 'SHA-384';
const HASH_BYTES = 48;
const SALT_BYTES = 48;
const SERIAL_BYTES = 32;
const EXPONENT = 65_537n;

/** A ballot that waits for its signature. Everything base64url. */
export interface Blinded {
  serial: string;
  blinded: string;
  /** Takes the blinding off again: never leaves this machine. */
  inverse: string;
}

/** Draws a ballot and blinds its number for a poll's key. */
export async function blind(publicKey: string): Promise<Blinded> {
  const n = toNumber(fromText(publicKey));
  const serial = crypto.getRandomValues(new Uint8Array(SERIAL_BYTES));
  const message = toNumber(await encode(serial, bitLength(n) - 1));
  for (;;) {
    const r = toNumber(crypto.getRandomValues(new Uint8Array(byteLength(n)))) % n;
    const inverse = invert(r, n);
    // No unit: that happens once in 2^1000 draws, or to a key that is none.
    if (r < 2n || inverse === null) continue;
    const blinded = (message * power(r, EXPONENT, n)) % n;
    const text = (value: bigint) => toText(toBytes(value, byteLength(n)));
    return { serial: toText(serial), blinded: text(blinded), inverse: text(inverse) };
  }
}

/** Takes the blinding off; null if what the server sent is no signature of its key. */
export async function finish(publicKey: string, ballot: Blinded, signature: string): Promise<string | null> {
  const n = toNumber(fromText(publicKey));
  const finished = (toNumber(fromText(signature)) * toNumber(fromText(ballot.inverse))) % n;
  const isSigned = await verify(fromText(ballot.serial), power(finished, EXPONENT, n), bitLength(n) - 1);
  return isSigned ? toText(toBytes(finished, byteLength(n))) : null;
}

/** EMSA-PSS-ENCODE (RFC 8017 §9.1.1). */
async function encode(message: Uint8Array, bits: number, salt?: Uint8Array): Promise<Uint8Array> {
  const length = Math.ceil(bits / 8);
  const chosen = salt ?? crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const hashed = await digest(joined(new Uint8Array(8), await digest(message), chosen));
  const block = new Uint8Array(length - HASH_BYTES - 1);
  block[block.length - SALT_BYTES - 1] = 1;
  block.set(chosen, block.length - SALT_BYTES);
  const mask = await mgf1(hashed, block.length);
  for (let index = 0; index < block.length; index += 1) block[index] = (block[index] ?? 0) ^ (mask[index] ?? 0);
  block[0] = (block[0] ?? 0) & (0xff >> (8 * length - bits));
  return joined(block, hashed, Uint8Array.of(0xbc));
}

/** Whether `encoded` is a PSS encoding of the message: its salt is read and the encoding made again. */
async function verify(message: Uint8Array, encoded: bigint, bits: number): Promise<boolean> {
  const length = Math.ceil(bits / 8);
  const bytes = toBytes(encoded, length);
  const hashed = bytes.slice(length - HASH_BYTES - 1, length - 1);
  const masked = bytes.slice(0, length - HASH_BYTES - 1);
  const mask = await mgf1(hashed, masked.length);
  const salt = masked.map((byte, index) => byte ^ (mask[index] ?? 0)).slice(-SALT_BYTES);
  const again = await encode(message, bits, salt);
  return again.length === bytes.length && again.every((byte, index) => byte === bytes[index]);
}

async function mgf1(seed: Uint8Array, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let counter = 0; counter * HASH_BYTES < length; counter += 1) {
    parts.push(await digest(joined(seed, Uint8Array.of(counter >>> 24, counter >>> 16, counter >>> 8, counter))));
  }
  return joined(...parts).slice(0, length);
}

async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(HASH, bytes as Uint8Array<ArrayBuffer>));
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function power(base: bigint, exponent: bigint, n: bigint): bigint {
  let result = 1n;
  for (let [square, rest] = [base % n, exponent]; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % n;
    square = (square * square) % n;
  }
  return result;
}

/** The inverse by Euclid's algorithm; null if there is none. */
function invert(value: bigint, n: bigint): bigint | null {
  let [a, b, x, y] = [value, n, 1n, 0n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return a === 1n ? ((x % n) + n) % n : null;
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

function byteLength(value: bigint): number {
  return Math.ceil(bitLength(value) / 8);
}

function toNumber(bytes: Uint8Array): bigint {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return BigInt(`0x${hex === '' ? '0' : hex}`);
}

function toBytes(value: bigint, length: number): Uint8Array {
  const hex = value.toString(16).padStart(length * 2, '0');
  return Uint8Array.from(hex.match(/../gu) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function toText(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/gu, '-').replace(/\//gu, '_').replace(/=+$/u, '');
}

export function fromText(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replace(/-/gu, '+').replace(/_/gu, '/')), (char) => char.charCodeAt(0));
}
