import { MatrixError, refuseSocket } from '@matrix-futures/http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { NoAnswer } from './forward.ts';
import { hasPassableStatus, headersDown, headersUp } from './headers.ts';
import { originForm } from './path.ts';
import type { Target } from './target.ts';

/**
 * Asks the homeserver for a WebSocket, and joins the two connections when it agrees; otherwise its answer goes to the
 * client, whose connection ends behind it.
 * @param head what the client has sent behind its request
 */
export function tunnel(
  target: Target,
  {
    request,
    socket,
    head,
  }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): void {
  if (announcesBody(request))
    return refuseTunnel(socket, new MatrixError('badRequest', 'Nobody asks for a WebSocket with a body'));
  const sent = target.request({
    method: 'GET',
    path: originForm(request.url ?? '/'),
    headers: [...headersUp(request, target.host), ...['Connection', 'Upgrade', 'Upgrade', 'websocket']],
  });
  socket.on('error', () => {});
  const clientGone = () => void sent.destroy();
  socket.once('close', clientGone);
  let isAnswered = false;
  const fail = () => {
    if (!isAnswered) refuseSocket(socket, new NoAnswer());
    isAnswered = true;
  };
  sent.on('error', fail);
  sent.once('close', fail);
  sent.once('upgrade', (answer, upstream, upstreamHead) => {
    if (!hasPassableStatus(answer)) return void upstream.destroy();
    isAnswered = true;
    socket.off('close', clientGone);
    socket.write(headOf(answer, ['Connection', 'Upgrade', 'Upgrade', answer.headers.upgrade ?? 'websocket']));
    socket.write(upstreamHead);
    upstream.write(head);
    join(socket, upstream);
  });
  sent.once('response', (answer) => {
    if (!hasPassableStatus(answer)) return void sent.destroy();
    isAnswered = true;
    socket.write(headOf(answer, ['Connection', 'close']));
    answer.on('error', () => void socket.destroy());
    answer.pipe(socket);
  });
  sent.end();
}

/**
 * What is behind the request is the tunnel's. As a body it would never be sent, and on a connection that is used again
 * the homeserver would take the next client's request for it.
 */
function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

/** Refuses a WebSocket before the homeserver has heard of it. */
export function refuseTunnel(socket: Duplex, refusal: MatrixError): void {
  socket.on('error', () => {});
  refuseSocket(socket, refusal);
}

/** There is no half of a WebSocket: when one side ends, what it has said is said, and both are over. */
function join(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', () => void to.destroy());
    from.once('close', () => void to.destroy());
    from.once('end', () => void to.end(() => void to.destroy()));
    from.pipe(to, { end: false });
  }
}

/** An answer without a length ends with the connection: its chunks were taken apart on the way. */
function headOf(answer: IncomingMessage, added: readonly string[]): string {
  const all = [...headersDown(answer), ...added];
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (let index = 0; index < all.length; index += 2) lines.push(`${all[index]}: ${all[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
