import type { IncomingMessage, ServerResponse } from 'node:http';
import { MatrixError } from './errors.ts';

/** As the engine has them: `after` calls once, `delay` milliseconds from now, and returns what takes that back. */
export interface Timers {
  after(delay: number, run: () => void): () => void;
}

export interface BodyLimits {
  /** bytes */
  readonly size: number;
  /** milliseconds from the headers to the last byte */
  readonly time: number;
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

/**
 * The bytes that follow a request's headers. They may take so much time and no more, whether anybody reads them or
 * node discards them behind the answer; a connection that takes longer is ended.
 */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #limits: BodyLimits;
  #tooLate: MatrixError | null = null;
  #reject: (error: MatrixError) => void = () => {};

  constructor(request: IncomingMessage, response: ServerResponse, limits: BodyLimits, timers: Timers) {
    this.#request = request;
    this.#limits = limits;
    const cancel = timers.after(limits.time, () => {
      if (request.complete) return;
      this.#tooLate = new MatrixError('bodyTooSlow', 'The body took too long to arrive');
      response.shouldKeepAlive = false;
      if (response.writableFinished) request.socket.destroy();
      else response.once('finish', () => request.socket.destroySoon());
      this.#reject(this.#tooLate);
    });
    request.once('close', cancel);
  }

  /** @throws MatrixError M_TOO_LARGE; 408 when it takes too long; 400 when it ends early */
  read(): Promise<Uint8Array> {
    const request = this.#request;
    if (!hasBody(request)) return Promise.resolve(nothing);
    const limit = this.#limits.size;
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.#tooLate !== null) return reject(this.#tooLate);
      const tooLarge = () => reject(new MatrixError('tooLarge', `The body is larger than ${limit} bytes`));
      if (Number(request.headers['content-length'] ?? 0) > limit) return tooLarge();

      const chunks: Buffer[] = [];
      let size = 0;
      const take = (chunk: Buffer) => {
        size += chunk.length;
        if (size <= limit) return void chunks.push(chunk);
        request.off('data', take);
        tooLarge();
      };
      const endedEarly = () => reject(new MatrixError('badRequest', 'The body ended early'));
      request.on('data', take);
      request.once('end', () =>
        resolve(chunks.length === 1 ? (chunks[0] ?? nothing) : Buffer.concat(chunks)),
      );
      request.once('error', endedEarly);
      request.once('close', endedEarly);
    });
  }
}

export type BodyOf = (request: IncomingMessage, response: ServerResponse) => RequestBody;

/** The one body of each request, its time counted from when it is first asked for. */
export function requestBodies(limits: BodyLimits, timers: Timers): BodyOf {
  const bodies = new WeakMap<IncomingMessage, RequestBody>();
  return (request, response) => {
    const known = bodies.get(request);
    if (known !== undefined) return known;
    const body = new RequestBody(request, response, limits, timers);
    bodies.set(request, body);
    return body;
  };
}
