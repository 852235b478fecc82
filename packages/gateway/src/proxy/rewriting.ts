import type { IncomingMessage, ServerResponse } from 'node:http';
import { NoAnswer, relay } from './forward.ts';
import { headersDown } from './headers.ts';

/** Bytes of an answer that is rewritten; a longer one goes on as it is. */
export const longestRewritten = 1024 * 1024;

/** What is asked of the homeserver where its answer is to be rewritten. */
export const readable = { 'accept-encoding': 'identity' };

const framing: ReadonlySet<string> = new Set(['content-length']);

/**
 * The body of an answer, if it is one to be rewritten: 200, JSON by its name, not compressed, not too long. Otherwise
 * null, and the answer goes on to the client as it is.
 * @throws NoAnswer when it breaks off before anything of it went on
 */
export async function bodyToRewrite(
  answer: IncomingMessage,
  response: ServerResponse,
): Promise<Buffer | null> {
  const body = isReadable(answer) ? await readUpTo(answer, longestRewritten) : { whole: false, chunks: [] };
  if (body.whole) return Buffer.concat(body.chunks);
  relay(answer, response, body.chunks);
  return null;
}

/** Sends the homeserver's answer with another body. */
export function sendRewritten(
  answer: IncomingMessage,
  response: ServerResponse,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed) return;
  const replaced = new Set([...framing, ...Object.keys(headers).map((name) => name.toLowerCase())]);
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, [
    ...headersDown(answer, replaced),
    ...Object.entries(headers).flat(),
    ...['Content-Length', String(Buffer.byteLength(body))],
  ]);
  response.end(body);
}

function isReadable({ statusCode, headers }: IncomingMessage): boolean {
  const encoding = headers['content-encoding'] ?? 'identity';
  return (
    statusCode === 200 &&
    encoding === 'identity' &&
    /^application\/json\b/i.test(headers['content-type'] ?? '')
  );
}

interface Read {
  /** false: longer than the limit; the stream is paused behind `chunks` */
  readonly whole: boolean;
  readonly chunks: readonly Buffer[];
}

function readUpTo(answer: IncomingMessage, limit: number): Promise<Read> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (whole: boolean) => {
      answer.off('data', take).off('end', end).off('close', broken);
      resolve({ whole, chunks });
    };
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= limit) return;
      answer.pause();
      settle(false);
    };
    const end = () => settle(true);
    const broken = () => reject(new NoAnswer());
    answer.on('data', take).once('end', end).once('close', broken);
    answer.on('error', () => {});
  });
}
