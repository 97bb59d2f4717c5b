//! Against the browser's own RSA-PSS: it makes the key and checks the finished signatures. The private operation
//! is done here with plain numbers.
import { describe, expect, it } from 'vitest';

import { blind, finish, fromText, toText } from './blind';

const PSS = { name: 'RSA-PSS', hash: 'SHA-384' } as const;
const { publicKey, privateKey } = await crypto.subtle.generateKey(
  { ...PSS, modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) }, true, ['sign', 'verify'],
);
const jwk = await crypto.subtle.exportKey('jwk', privateKey);
const n = String(jwk.n);
const hex = (text: string): string => [...fromText(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const number = (text: string): bigint => BigInt(`0x${hex(text)}`);

function sign(blinded: string): string {
  const [modulus, secret] = [number(n), number(String(jwk.d))];
  let result = 1n;
  for (let [square, rest] = [number(blinded), secret]; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  const digits = result.toString(16).padStart(512, '0');
  return toText(Uint8Array.from(digits.match(/../gu) ?? [], (pair) => Number.parseInt(pair, 16)));
}
const isSigned = (serial: string, signature: string): Promise<boolean> =>
  crypto.subtle.verify(
    { name: 'RSA-PSS', saltLength: 48 }, publicKey,
    fromText(signature) as Uint8Array<ArrayBuffer>, fromText(serial) as Uint8Array<ArrayBuffer>,
  );

describe('a blind ballot', () => {
  it('is signed without being seen, and the signature is an ordinary one', async () => {
    for (let round = 0; round < 3; round += 1) {
      const ballot = await blind(n);
      const signature = await finish(n, ballot, sign(ballot.blinded));
      expect(signature).not.toBeNull();
      expect(await isSigned(ballot.serial, signature ?? '')).toBe(true);
      expect(await isSigned((await blind(n)).serial, signature ?? '')).toBe(false);
    }
  });

  it('notices an answer that is no signature', async () => {
    const ballot = await blind(n);
    expect(await finish(n, ballot, sign((await blind(n)).blinded))).toBeNull();
  });

  it('sends nothing from which its number could be told', async () => {
    const [one, other] = [await blind(n), await blind(n)];
    expect(new Set([one.blinded, other.blinded, one.serial, other.serial]).size).toBe(4);
    // What was signed and what is cast have nothing in common but the key.
    const signed = sign(one.blinded);
    expect(await finish(n, one, signed)).not.toBe(signed);
  });
});
