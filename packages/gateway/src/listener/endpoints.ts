import { HomeserverUnavailable } from '@matrix-futures/engine';
import { endpoint, type Endpoint, MatrixError } from '@matrix-futures/http';
import { hash, timingSafeEqual } from 'node:crypto';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Listener, PushedState } from './listener.ts';

export interface ListenerOptions {
  readonly listener: Listener;
  /** `hs_token`s: by one of them the homeserver shows that it is the one */
  readonly tokens: readonly string[];
}

/** 100 events of 64 KiB and what a homeserver puts around them; Synapse sends at most 100 at once. */
const longestTransaction = 16 * 1024 * 1024;

const transaction = Compile(Type.Object({ events: Type.Array(Type.Unknown()) }));

const pushedState = Compile(
  Type.Object({
    event_id: Type.String(),
    room_id: Type.String(),
    type: Type.String(),
    state_key: Type.String(),
    sender: Type.String(),
  }),
);

/** What homeservers call on an application service (application service API), with the older spellings of the paths. */
export function listenerEndpoints({ listener, tokens }: ListenerOptions): Endpoint[] {
  const digests = tokens.map(digest);
  const isHomeserver = (token: string | null): boolean =>
    token !== null && digests.some((known) => timingSafeEqual(known, digest(token)));
  /** Nothing is read, no body either, of whoever is not the homeserver. */
  const guarded = (guardedEndpoint: Endpoint): Endpoint => ({
    ...guardedEndpoint,
    answer: (incoming) => {
      if (isHomeserver(incoming.accessToken)) return guardedEndpoint.answer(incoming);
      throw new MatrixError('forbidden', 'This is not the hs_token of the registration');
    },
  });
  return [transactions(listener), ping(), unknownUser(), unknownAlias()].map(guarded);
}

/**
 * `PUT /transactions/{txnId}`. The transaction id says nothing: homeservers use one again with another body, or begin
 * anew after a restart. Events are known by their ids. An answer of 200 means that what they change is durable.
 *
 * The body is judged more leniently than a client's: one event that a stranger made too deep, refused with all others of
 * its transaction, would be pushed again for ever, and nothing else behind it.
 */
function transactions(listener: Listener): Endpoint {
  return {
    ...endpoint({
      method: 'PUT',
      paths: ['/_matrix/app/v1/transactions/:txnId', '/transactions/:txnId'],
      authentication: 'none',
      summary: 'Takes in what the homeserver tells of new state',
      handle: () => ({}),
    }),
    answer: async ({ readBody }) => {
      const events = stateIn(await readBody(longestTransaction));
      try {
        await listener.heard(events);
      } catch (error) {
        if (error instanceof HomeserverUnavailable)
          throw new MatrixError(
            'badGateway',
            'The homeserver could not be asked about these events; push them again',
          );
        throw error;
      }
      return {};
    },
  };
}

function stateIn(bytes: Uint8Array): PushedState[] {
  const body = parse(bytes);
  if (!transaction.Check(body)) throw new MatrixError('badJson', 'A transaction has a list of `events`');
  return body.events.flatMap((event) => {
    if (!pushedState.Check(event)) return [];
    const { event_id: id, room_id: room, type, state_key: key, sender } = event;
    return [{ key: { room, type, key }, event: id, sender }];
  });
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new MatrixError('notJson', 'The body is not JSON');
  }
}

/** `POST /ping`: the homeserver was asked whether it reaches the service. */
function ping(): Endpoint {
  return endpoint({
    method: 'POST',
    paths: ['/_matrix/app/v1/ping'],
    authentication: 'none',
    summary: 'Tells the homeserver that it is heard',
    body: Type.Object({}),
    bodyOptional: true,
    handle: () => ({}),
  });
}

function unknownUser(): Endpoint {
  return endpoint({
    method: 'GET',
    paths: ['/_matrix/app/v1/users/:userId', '/users/:userId'],
    authentication: 'none',
    summary: 'Has no users of its own',
    handle: () => {
      throw new MatrixError('notFound', 'The gateway has no users of its own');
    },
  });
}

function unknownAlias(): Endpoint {
  return endpoint({
    method: 'GET',
    paths: ['/_matrix/app/v1/rooms/:alias', '/rooms/:alias'],
    authentication: 'none',
    summary: 'Has no rooms of its own',
    handle: () => {
      throw new MatrixError('notFound', 'The gateway has no rooms of its own');
    },
  });
}

/** Of equal length whatever the token's. */
const digest = (token: string): Buffer => Buffer.from(hash('sha256', token, 'hex'), 'hex');
