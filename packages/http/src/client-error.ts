import { ServerResponse, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { prepareAnswer } from './answer.ts';
import { MatrixError } from './errors.ts';

/** What `node:http` could not make a request of. */
function judgeClientError(code: string | undefined): MatrixError {
  switch (code) {
    case 'HPE_INVALID_METHOD':
      return new MatrixError('methodNotAllowed', 'Unknown method');
    case 'HPE_HEADER_OVERFLOW':
      return new MatrixError('headersTooLarge', 'The URL and the headers are too large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new MatrixError('tooLarge', 'The chunk extensions are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new MatrixError('bodyTooSlow', 'The headers took too long to arrive');
    default:
      return new MatrixError('badRequest', 'Not HTTP');
  }
}

/**
 * Answers what is not HTTP, and ends the connection. Nothing is written where an answer to an earlier request is still
 * to come or under way: this one would be taken for that.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  // What comes after what was refused is no news.
  if (lingering.has(socket)) return;
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  refuseSocket(socket, judgeClientError(error.code));
}

/** Answers where there is a connection and no request, and ends it. */
export function refuseSocket(socket: Duplex, { status, body }: MatrixError): void {
  const answer = prepareAnswer(status, body, { Connection: 'close' });
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`];
  for (let index = 0; index < answer.headers.length; index += 2) {
    lines.push(`${answer.headers[index]}: ${answer.headers[index + 1]}`);
  }
  socket.end(`${lines.join('\r\n')}\r\n\r\n${answer.body}`);
  linger(socket);
}

/** Connections that were refused and are only read to their end. */
const lingering = new WeakSet<Duplex>();
const mostLingering = 8 * 1024 * 1024;
const longestSilence = 2_000;

/**
 * Throws away what the client is still sending, until it ends, falls silent, or sends too much. A connection that is
 * closed with input unread is reset, and the reset may overtake the answer.
 */
function linger(socket: Duplex): void {
  lingering.add(socket);
  let left = mostLingering;
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) socket.destroy();
  });
  socket.once('end', () => socket.destroy());
  socket.once('error', () => socket.destroy());
  if (socket instanceof Socket) socket.setTimeout(longestSilence, () => socket.destroy());
}

/** node keeps the answer that is due on a socket in `_httpMessage`; its own treatment of such errors asks it too. */
function isAnswering(socket: Duplex): boolean {
  const due: unknown = Reflect.get(socket, '_httpMessage');
  const answer: ServerResponse | null = due instanceof ServerResponse ? due : null;
  return answer !== null && (answer.headersSent || answer.req.complete);
}
