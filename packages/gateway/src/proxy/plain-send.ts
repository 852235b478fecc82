import { type Answer, client, endpoint, type Endpoint } from '@matrix-futures/http';
import type { IncomingMessage } from 'node:http';
import { NoAnswer } from './forward.ts';
import { hasPassableStatus } from './headers.ts';
import { originForm } from './path.ts';
import type { Guard } from './guard.ts';
import type { Target } from './target.ts';

type Incoming = Parameters<Endpoint['answer']>[0];

/**
 * The plain `PUT /rooms/{roomId}/send/{eventType}/{txnId}` for whoever shares a path with it and has read the body: goes
 * on to the homeserver with the client's own access token.
 * @param guardParameters refuses what would be sent later by a parameter that nobody has read
 */
export function plainSend(
  target: Target,
  guardParameters: Guard,
): { readonly endpoint: Endpoint; hasAnswered(): boolean } {
  const described = endpoint({
    method: 'PUT',
    paths: client('/rooms/:roomId/send/:eventType/:txnId'),
    authentication: 'required',
    summary: 'Sends an event',
    handle: () => ({}),
  });
  return {
    endpoint: { ...described, answer: (incoming) => sendOn(target, guardParameters, incoming) },
    // the homeserver's transactions are its own affair; what a body looks like decides
    hasAnswered: () => false,
  };
}

async function sendOn(target: Target, guardParameters: Guard, incoming: Incoming): Promise<Answer> {
  const { url, address, query, requester } = incoming;
  const refusal = guardParameters(url);
  if (refusal !== null) throw refusal;
  const body = await incoming.readBody();
  const signal = incoming.watchClient();
  if (signal.aborted) throw new NoAnswer();
  return new Promise((resolve, reject) => {
    const sent = target.request({
      method: 'PUT',
      path: originForm(url),
      headers: [
        ...['Host', target.host, 'X-Forwarded-For', address],
        // Synapse refuses it where it is among the parameters, too
        ...(requester === null || query.values.has('access_token')
          ? []
          : ['Authorization', `Bearer ${requester.accessToken}`]),
        ...['Content-Type', 'application/json', 'Content-Length', String(body.length)],
      ],
    });
    const abort = () => void sent.destroy();
    signal.addEventListener('abort', abort, { once: true });
    const fail = () => reject(new NoAnswer());
    sent.on('error', fail);
    // without an error where the homeserver switches protocols
    sent.once('close', fail);
    sent.once('close', () => signal.removeEventListener('abort', abort));
    sent.once('response', (answer) => {
      sent.off('close', fail);
      readAnswer(answer).then(resolve, (error: unknown) => {
        sent.destroy();
        reject(error);
      });
    });
    sent.end(body);
  });
}

const longestAnswer = 1024 * 1024;

/** @throws NoAnswer when it breaks off, or is longer than any answer to an event that was sent */
function readAnswer(answer: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new NoAnswer());
    if (!hasPassableStatus(answer)) return fail();
    const chunks: Buffer[] = [];
    let size = 0;
    answer.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > longestAnswer) fail();
      else chunks.push(chunk);
    });
    answer.on('error', fail);
    answer.once('end', () => {
      const { statusCode: status = 502, headers } = answer;
      const kept = {
        'Content-Type': headers['content-type'] ?? 'application/json',
        ...(headers['retry-after'] !== undefined && { 'Retry-After': headers['retry-after'] }),
      };
      resolve({ status, headers: kept, body: Buffer.concat(chunks) });
    });
  });
}
