import { hash } from 'node:crypto';
import type { Futures, JsonObject, ListedFuture } from '@matrix-futures/engine';
import { client, clientV1, endpoint, type Endpoint, unstable } from '@matrix-futures/http';
import Type from 'typebox';
import { eventContent } from '../event-content.ts';
import { allowList } from '../refusals.ts';
import { futureSchema, tokensAnswer } from './dialect.ts';
import { features } from './spellings.ts';

/**
 * `GET /futures` (text of 6 June 2024, "Getting running futures"): every running future of the caller, whatever
 * generation made it, oldest first, with its three tokens. A bare array, with nothing around it.
 */
export function listFutures(futures: Futures): Endpoint {
  return endpoint({
    method: 'GET',
    paths: [...client('/futures'), ...clientV1('/future'), ...unstable(features, '/futures', '/future')],
    authentication: 'required',
    summary: 'Lists your running futures',
    answers: Type.Array(Type.Object({ url: Type.String(), body: eventContent, response: futureSchema })),
    handle: async ({ requester: { user } }) => {
      allowList(futures, user);
      return { body: (await futures.list(user)).map(entry) };
    },
  });
}

function entry(listed: ListedFuture): JsonObject {
  return {
    url: urlOf(listed),
    body: listed.future.draft.content,
    response: { ...tokensAnswer(listed.tokens), future_group_id: listed.groupName },
  };
}

/** The request that would make this future. It always names the group, and the timeout where there is one. */
function urlOf({ future, groupName, tokens }: ListedFuture): string {
  const { room, type, stateKey } = future.draft;
  const place =
    stateKey === null
      ? ['send_future', type, transactionIdFor(tokens.delayId)]
      : ['state_future', type, stateKey];
  const path = ['rooms', room, ...place].map(encodeURIComponent).join('/');
  const timeout = future.timeout === null ? '' : `future_timeout=${future.timeout}&`;
  return `/_matrix/client/v3/${path}?${timeout}future_group_id=${encodeURIComponent(groupName)}`;
}

/**
 * Of the transaction id that was used only a digest of its scope is kept. In its place stands one that is the
 * future's own: always the same until its tokens are reissued, of no use as a token, and unlike any that a client
 * would choose.
 */
function transactionIdFor(delayId: string): string {
  return hash('sha256', delayId, 'base64url').slice(0, 22);
}
