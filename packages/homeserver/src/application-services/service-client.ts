import type { Ms, Timers } from '@matrix-futures/engine';
import type { ApplicationService } from './services.ts';

/** How a request to a service ended. */
export type Reached =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'too-slow' };

/** Requests to application services: one attempt each, with a limit. Never rejects. */
export type AskService = (
  service: ApplicationService & { readonly url: string },
  method: 'PUT' | 'POST',
  /** below the service's address: `/_matrix/app/v1/ping` */
  path: string,
  body: object,
  /** ends the request early */
  signal: AbortSignal,
) => Promise<Reached>;

const longestRequest: Ms = 30_000;

/** Characters kept of an answer: it is `{}`, or an error for people. */
const longestAnswer = 4_096;

export function createServiceClient(timers: Timers): AskService {
  return async ({ url, hsToken }, method, path, body, signal) => {
    const slow = new AbortController();
    const cancel = timers.after(longestRequest, () => slow.abort());
    const request: RequestInit = {
      method,
      headers: { Authorization: `Bearer ${hsToken}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      // A service that sends us elsewhere would have its token sent there, too.
      redirect: 'manual',
      signal: AbortSignal.any([slow.signal, signal]),
    };
    try {
      const response = await fetch(`${url}${path}`, request);
      return { kind: 'answered', status: response.status, body: await beginning(response) };
    } catch {
      return { kind: slow.signal.aborted ? 'too-slow' : 'unreachable' };
    } finally {
      cancel();
    }
  };
}

/** Reads on to the end where there is little, so that the connection can be used again. */
async function beginning(response: Response): Promise<string> {
  if (response.body === null) return '';
  let text = '';
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.length > longestAnswer) return text.slice(0, longestAnswer);
  }
  return text;
}
