import type { IncomingMessage, ServerResponse } from 'node:http';
import { MatrixError } from './errors.ts';

/** As the engine has them: `after` calls once, `delay` milliseconds from now, and returns what takes that back. */
export interface Timers {
  after(delay: number, run: () => void): () => void;
}

/** Do the headers announce a body? `rawHeaders` is there already, `headers` would be made for the question. */
export function hasBody({ rawHeaders }: IncomingMessage): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 14 && name.toLowerCase() === 'content-length') return rawHeaders[index + 1] !== '0';
    if (name?.length === 17 && name.toLowerCase() === 'transfer-encoding') return true;
  }
  return false;
}

const nothing = Buffer.alloc(0);
const late = Symbol('the body takes too long');
const unlimited = Symbol('the body may take its time');

/**
 * Gives the body of a request `time` milliseconds to arrive, whether it is read, or nobody wants it and node discards
 * it behind the answer. Whoever reads it is told; once the answer is out, the connection is ended.
 */
export function limitBodyTime(
  request: IncomingMessage,
  response: ServerResponse,
  time: number,
  timers: Timers,
): void {
  const judge = () => {
    if (request.complete) return;
    response.shouldKeepAlive = false;
    if (response.writableFinished) request.socket.destroy();
    else if (!request.emit(late)) cancel = timers.after(time, judge);
  };
  let cancel = timers.after(time, judge);
  request.once('close', () => cancel());
  request.once(unlimited, () => cancel());
}

/** Takes the time limit of a body back: whoever takes the request over has limits of their own. */
export function liftBodyTime(request: IncomingMessage): void {
  request.emit(unlimited);
}

/** @throws MatrixError M_TOO_LARGE above `limit` bytes; 408 when the time is over; 400 when the body ends early */
export function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  if (!hasBody(request)) return Promise.resolve(nothing);
  return new Promise((resolve, reject) => {
    const endedEarly = () => reject(new MatrixError('badRequest', 'The body ended early'));
    const tooLarge = () => reject(new MatrixError('tooLarge', `The body is larger than ${limit} bytes`));
    if (request.destroyed) return endedEarly();
    if (Number(request.headers['content-length'] ?? 0) > limit) return tooLarge();

    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) return void chunks.push(chunk);
      request.off('data', take);
      tooLarge();
    };
    request.on('data', take);
    request.once('end', () => resolve(chunks.length === 1 ? (chunks[0] ?? nothing) : Buffer.concat(chunks)));
    request.once('error', endedEarly);
    request.once(late, () => reject(new MatrixError('bodyTooSlow', 'The body took too long to arrive')));
  });
}
