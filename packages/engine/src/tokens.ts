import { createCipheriv, createDecipheriv, type Cipheriv, type Decipheriv } from 'node:crypto';
import type { FutureId, Nonce } from './future.ts';

/** What a token lets its holder do to one future. `delay` is the delay id of the later generations. */
export type TokenKind = 'send' | 'refresh' | 'cancel' | 'delay';

const kinds: readonly TokenKind[] = ['send', 'refresh', 'cancel', 'delay'];

export interface ReadToken {
  readonly kind: TokenKind;
  readonly future: FutureId;
  readonly nonce: Nonce;
}

/** Blocks that are no tokens: `read` knows kinds 1 to 4 only. */
const transactionKind = { future: 101, group: 102 };

const blockBytes = 16;
/** 16 bytes in unpadded base64url; the last character carries two bits, so it is one of four */
const spelling = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/**
 * Makes and reads tokens. A token is one AES-256 block, spelled in base64url, over
 *
 * ```
 * key epoch (1 byte) · kind (1) · future id (6) · nonce (8)
 * ```
 * so all kinds look alike and say nothing, none is stored, and none needs an index: it is valid if it decrypts to a
 * live future with that nonce. Guessing one means guessing 64 random bits behind a secret key.
 */
export class Tokens {
  readonly #keys: readonly { readonly epoch: number; readonly seal: Cipheriv; readonly open: Decipheriv }[];
  readonly #block = Buffer.alloc(blockBytes);

  /** @param keys 32 bytes each, oldest first: tokens are made with the last, and read with any of them */
  constructor(keys: readonly Uint8Array[]) {
    if (keys.length === 0 || keys.length > 256)
      throw new RangeError(`1 to 256 token keys, not ${keys.length}`);
    this.#keys = keys.map((key, epoch) => ({
      epoch,
      seal: createCipheriv('aes-256-ecb', key, null).setAutoPadding(false),
      open: createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false),
    }));
  }

  make(kind: TokenKind, future: FutureId, nonce: Nonce): string {
    const newest = this.#keys.at(-1);
    if (newest === undefined) throw new RangeError('no token key');
    const block = this.#block;
    block.writeUInt8(newest.epoch, 0);
    block.writeUInt8(kinds.indexOf(kind) + 1, 1);
    block.writeUIntBE(future, 2, 6);
    block.writeUInt32BE(nonce.high, 8);
    block.writeUInt32BE(nonce.low, 12);
    return newest.seal.update(block).toString('base64url');
  }

  /**
   * The transaction id under which a future's event, or a batch's `send_now`, is handed to a remote homeserver: the
   * same for ever, unlike any other, and made by a key, so that no client can guess it or collide with it.
   */
  transactionId(of: 'future' | 'group', id: number): string {
    const oldest = this.#keys[0];
    if (oldest === undefined) throw new RangeError('no token key');
    const block = this.#block.fill(0);
    block.writeUInt8(of === 'future' ? transactionKind.future : transactionKind.group, 1);
    block.writeUIntBE(id, 2, 6);
    return oldest.seal.update(block).toString('base64url');
  }

  /** null: not a token of any of these keys. That it can be read does not make it valid: the nonce decides. */
  read(token: string): ReadToken | null {
    if (token.length !== 22 || !spelling.test(token)) return null;
    const sealed = Buffer.from(token, 'base64url');
    for (const { epoch, open } of this.#keys) {
      const block = open.update(sealed);
      const kind = kinds[block.readUInt8(1) - 1];
      if (block.readUInt8(0) !== epoch || kind === undefined) continue;
      return {
        kind,
        future: block.readUIntBE(2, 6),
        nonce: { high: block.readUInt32BE(8), low: block.readUInt32BE(12) },
      };
    }
    return null;
  }
}
