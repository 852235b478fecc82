import { HomeserverUnavailable, type Timers } from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { Upstream, type UpstreamAnswer, type UpstreamRequest } from '../upstream/upstream.ts';
import { failed, type Finding } from './check.ts';

/** A server, as the checks ask it. */
export interface Asked {
  readonly url: string;
  /** @throws HomeserverUnavailable */
  ask(request: Omit<UpstreamRequest, 'limit'>): Promise<UpstreamAnswer>;
  close(): void;
}

const patience = 30_000;

/** To be closed by whoever asked for it. */
export function asking(url: string, timers: Timers): Asked {
  const server = new Upstream(url, timers);
  return {
    url,
    ask: (request) => server.ask({ ...request, limit: patience }),
    close: () => server.close(),
  };
}

/** Runs a check of a server; where it does not answer, that is the finding. */
export async function whereAnswered(
  { url }: Asked,
  what: { readonly is: string; readonly flag: string },
  run: () => Promise<Finding>,
): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof HomeserverUnavailable)) throw error;
    return failed(
      `${what.is} at ${url} does not answer (${reasonOf(error)})`,
      `start it, or correct ${what.flag}`,
    );
  }
}

function reasonOf({ cause, message }: Error): string {
  return cause instanceof Error ? cause.message : message;
}

const errorBody = Compile(Type.Object({ errcode: Type.String() }));

/** The Matrix code of an error; null: the answer has none. */
export function errorCode({ body }: UpstreamAnswer): string | null {
  return errorBody.Check(body) ? body.errcode : null;
}

/** An answer in a few words. It may hold what a stranger wrote: the code is cut and cleaned. */
export function inShort(answer: UpstreamAnswer): string {
  const code = errorCode(answer)
    ?.replaceAll(/[^\w.]/g, '')
    .slice(0, 64);
  return code === undefined ? String(answer.status) : `${answer.status} ${code}`;
}
