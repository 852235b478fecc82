import type { Randomness } from './clock.ts';
import type { Nonce } from './future.ts';

export function newNonce(randomness: Randomness): Nonce {
  const bytes = Buffer.from(randomness.bytes(8));
  return { high: bytes.readUInt32BE(0), low: bytes.readUInt32BE(4) };
}
