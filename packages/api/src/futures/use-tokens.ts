import type { Futures, JsonObject } from '@matrix-futures/engine';
import { endpoint, type Endpoint, MatrixError, unstable } from '@matrix-futures/http';
import Type from 'typebox';
import { storeError } from '../refusals.ts';
import { vendorFeature } from '../vendor.ts';
import { tokenError } from './token.ts';

const most = 1_000;

const result = Type.Object({
  status: Type.Integer(),
  errcode: Type.Optional(Type.String()),
  retry_after_ms: Type.Optional(Type.Integer()),
});

/** How many are under way at once. Sends may go to a homeserver elsewhere; the others share commits. */
const lanes = { sends: 8, others: 100 };

/**
 * `POST /unstable/dev.matrix-futures/tokens {"tokens": […]}`, our own addition: an SFU refreshes all its members by
 * one request. Like as many requests made at the same moment: each token has its own result, in the order of the
 * tokens, `{status, errcode?, retry_after_ms?}` as `/futures/{token}` would have answered.
 */
export function useTokens(futures: Futures): Endpoint {
  return endpoint({
    method: 'POST',
    paths: unstable([vendorFeature], '/tokens'),
    authentication: 'none',
    summary: `Uses up to ${most} tokens`,
    body: Type.Object({ tokens: Type.Array(Type.String()) }),
    answers: Type.Object({ results: Type.Array(result) }),
    handle: async ({ body }) => {
      const { tokens } = body();
      if (tokens.length > most)
        throw new MatrixError('invalidParam', `tokens has ${tokens.length} entries; it may have ${most}`);
      return { body: { results: await useAll(futures, tokens) } };
    },
  });
}

async function useAll(futures: Futures, tokens: readonly string[]): Promise<readonly JsonObject[]> {
  const results = tokens.map((): JsonObject => ({}));
  const queues = Map.groupBy(tokens.entries(), ([, token]) =>
    futures.kindOf(token) === 'send' ? 'sends' : 'others',
  );
  async function work(queue: Iterator<[number, string]>): Promise<void> {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      const [index, token] = next.value;
      results[index] = await useOne(futures, token);
    }
  }
  await Promise.all(
    [...queues].flatMap(([kind, entries]) => {
      const queue = entries.values();
      return Array.from({ length: lanes[kind] }, () => work(queue));
    }),
  );
  return results;
}

async function useOne(futures: Futures, token: string): Promise<JsonObject> {
  try {
    const answer = await futures.use(token);
    return answer.kind === 'done' ? { status: 200 } : resultOf(tokenError(answer));
  } catch (error) {
    const known = storeError(error);
    if (known === null) throw error;
    return resultOf(known);
  }
}

function resultOf({ status, errcode, fields }: MatrixError): JsonObject {
  return { status, errcode, ...fields };
}
