import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { Randomness } from '@matrix-futures/engine';
import { decodeBase64, encodeBase64 } from './base64.ts';

/** A server's own key. The key object is made once: making it costs more than a signature. */
export interface SigningKey {
  /** `ed25519:VERSION` */
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly verifyKey: VerifyKey;
}

/** The public half, of this server or another. */
export type VerifyKey = KeyObject;

/** What stands before the 32 bytes of an Ed25519 seed and of a public key in DER (RFC 8410). */
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** A new key whose version is drawn too: the same key id must never name two keys. */
export function generateSigningKey(randomness: Randomness): SigningKey {
  const version = 'a_' + Buffer.from(randomness.bytes(4)).toString('hex');
  return signingKey(`ed25519:${version}`, randomness.bytes(32));
}

/** Reads what `formatSigningKey` wrote; null where it is something else. */
export function parseSigningKey(text: string): SigningKey | null {
  const match = /^(ed25519:[A-Za-z0-9_]+) ([A-Za-z0-9+/]{43})=?\s*$/.exec(text);
  const seed = decodeBase64(match?.[2] ?? '');
  const id = match?.[1];
  return id === undefined || seed?.length !== 32 ? null : signingKey(id, seed);
}

/** One line for a file: `ed25519:VERSION`, a space, the seed in unpadded base64. A secret. */
export function formatSigningKey(key: SigningKey): string {
  const der = key.privateKey.export({ format: 'der', type: 'pkcs8' });
  return `${key.id} ${encodeBase64(der.subarray(-32))}\n`;
}

/** @param seed 32 bytes, from which the key is derived */
export function signingKey(id: string, seed: Uint8Array): SigningKey {
  const der = Buffer.concat([privatePrefix, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { id, privateKey, verifyKey: createPublicKey(privateKey) };
}

/** @param base64 the 32 bytes of a public key, as servers publish it; null where it is something else */
export function parseVerifyKey(base64: string): VerifyKey | null {
  const bytes = decodeBase64(base64);
  if (bytes?.length !== 32) return null;
  return createPublicKey({ key: Buffer.concat([publicPrefix, bytes]), format: 'der', type: 'spki' });
}

/** The public key as servers publish it: unpadded base64. */
export function formatVerifyKey(key: VerifyKey): string {
  return encodeBase64(key.export({ format: 'der', type: 'spki' }).subarray(-32));
}

/** @returns the signature over the text's UTF-8, in unpadded base64 */
export function signText(text: string, key: SigningKey): string {
  return encodeBase64(sign(null, Buffer.from(text), key.privateKey));
}

/** @param signature in unpadded base64 */
export function isTextSigned(text: string, signature: string, key: VerifyKey): boolean {
  const bytes = decodeBase64(signature);
  return bytes?.length === 64 && verify(null, Buffer.from(text), key, bytes);
}
