import { argon2, timingSafeEqual } from 'node:crypto';
import type { Randomness } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';

/** Hashes and checks passwords, off the main thread. Never call it inside a unit of the turn. */
export interface Passwords {
  /** @returns the hash in PHC form: `$argon2id$v=19$m=…,t=…,p=…$salt$hash` */
  hash(password: string): Promise<string>;
  /** Takes as long for an account that does not exist (null) as for a wrong password. */
  verify(password: string, hash: string | null): Promise<boolean>;
}

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. About 20 ms. */
const memory = 19_456; // KiB
const passes = 2;
const parallelism = 1;
const saltLength = 16;
const tagLength = 32;

/** Two at once leave the thread pool (4 threads) to file access; those that wait are few enough to be done in 2 s. */
const atOnce = 2;
const mayWait = 100;

/** Characters. A longer password would only cost time. */
const longestPassword = 512;

export function createPasswords(randomness: Randomness): Passwords {
  const queue = createQueue();
  const derive = (password: string, salt: Uint8Array, cost: Cost): Promise<Uint8Array> =>
    queue(
      () =>
        new Promise((resolve, reject) =>
          argon2('argon2id', { message: password, nonce: salt, tagLength, ...cost }, (error, tag) =>
            error === null ? resolve(tag) : reject(error),
          ),
        ),
    );

  return {
    async hash(password) {
      const salt = randomness.bytes(saltLength);
      const tag = await derive(password, salt, { memory, passes, parallelism });
      return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
    },
    async verify(password, hash) {
      const known = hash === null ? null : parse(hash);
      const { salt, tag, cost } = known ?? absent;
      const derived = await derive(password.slice(0, longestPassword + 1), salt, cost);
      return timingSafeEqual(derived, tag) && known !== null;
    },
  };
}

/** @throws MatrixError `M_WEAK_PASSWORD` */
export function checkPasswordForm(password: string): void {
  if (password === '') throw new MatrixError('weakPassword', 'The password is empty.');
  if (password.length > longestPassword) {
    throw new MatrixError('weakPassword', `The password is longer than ${longestPassword} characters.`);
  }
}

interface Cost {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

interface Parsed {
  readonly salt: Uint8Array;
  readonly tag: Uint8Array;
  readonly cost: Cost;
}

/** What an account without a password is compared with, at full price. */
const absent: Parsed = {
  salt: new Uint8Array(saltLength),
  tag: new Uint8Array(tagLength),
  cost: { memory, passes, parallelism },
};

/** A hash carries its own cost, so that a later release may raise it. */
function parse(hash: string): Parsed | null {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(hash);
  if (match === null) return null;
  const [, m, t, p, salt = '', tag = ''] = match;
  return {
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
    cost: { memory: Number(m), passes: Number(t), parallelism: Number(p) },
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '');
}

/** Runs `atOnce` jobs, lets `mayWait` wait, and refuses the rest with 429. */
function createQueue(): <R>(job: () => Promise<R>) => Promise<R> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (job) => {
    if (running >= atOnce) {
      if (waiting.length >= mayWait) throw new MatrixError('limitExceeded', 'Too many logins at once.');
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await job();
    } finally {
      // A place is handed over, never free in between: a newcomer cannot overtake.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
