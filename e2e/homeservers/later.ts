import { randomUUID } from 'node:crypto';
import type { ClientApi } from '../client-api.ts';
import { until } from './until.ts';

/** An event that is to be sent later. */
export interface Later {
  readonly type: string;
  /** null: a message */
  readonly stateKey: string | null;
  readonly content: Readonly<Record<string, unknown>>;
}

export const laterMessage = (mark: string): Later => ({
  type: 'org.example.late',
  stateKey: null,
  content: { mark },
});

export const laterState = (mark: string, key = mark): Later => ({
  type: 'org.example.call',
  stateKey: key,
  content: { mark },
});

/** What tells an event from all others, in its content; undefined: it has none. */
export function markOf(content: Readonly<Record<string, unknown>>): unknown {
  return content['mark'] ?? content['reason'];
}

/** Those of a future; no `refresh` without a timer. */
export interface TokensOfFuture {
  readonly send: string;
  readonly cancel: string;
  readonly refresh: string;
}

/** When it is sent, in ms, and in which group; one of the two may be left out. */
export interface When {
  readonly timeout?: number;
  readonly group?: string;
}

/**
 * Schedules a future.
 * @param client its owner, asking the gateway
 * @param room path of the room, after `/_matrix/client`
 */
export async function scheduleLater(
  client: ClientApi,
  room: string,
  { type, stateKey, content }: Later,
  { timeout, group }: When,
): Promise<TokensOfFuture> {
  const where =
    stateKey === null
      ? `send_future/${type}/${randomUUID()}`
      : `state_future/${type}/${encodeURIComponent(stateKey)}`;
  const query = new URLSearchParams({
    ...(timeout !== undefined && { future_timeout: String(timeout) }),
    ...(group !== undefined && { future_group_id: group }),
  });
  const { status, body } = await client.request('PUT', `${room}/${where}?${query}`, content);
  if (status !== 200) throw new Error(`${type} is not scheduled: ${status} ${JSON.stringify(body)}`);
  return { send: body.send_token, cancel: body.cancel_token, refresh: body.refresh_token };
}

/** How a future ended, as its owner's list has it; with neither event nor error it was cancelled. */
export interface Ending {
  readonly event_id?: string;
  readonly error?: { readonly errcode: string };
  readonly 'dev.matrix-futures.reason'?: string;
}

/**
 * Waits until a future is finished, or asks once whether it is.
 * @param room path of its room
 */
export function endingOf(client: ClientApi, room: string, mark: string): Promise<Ending> {
  return until(() => endingNow(client, room, mark), `the end of ${mark}`);
}

/** null: it is not finished. */
export async function endingNow(client: ClientApi, room: string, mark: string): Promise<Ending | null> {
  const id = room.split('/')[3] ?? '';
  const { status, body } = await client.request('GET', `/v1/delayed_events?room_id=${id}&dir=b`);
  if (status !== 200) throw new Error(`/delayed_events: ${status} ${JSON.stringify(body)}`);
  for (const { content, finalised } of body.delayed_events)
    if (markOf(content) === mark) return finalised ?? null;
  throw new Error(`${mark} is not in the list`);
}
