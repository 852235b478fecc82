import type { Ms } from './clock.ts';
import type { Draft, EventId, UserId } from './event.ts';
import type { Future, Generation, Refusal } from './future.ts';
import type { AddAnswer, OverLimit } from './rules/add.ts';
import type { Tokens } from './tokens.ts';

/** The bearer capabilities of one future. */
export interface FutureTokens {
  readonly send: string;
  readonly cancel: string;
  /** null: an action future */
  readonly refresh: string | null;
  /** what the later generations call its id */
  readonly delayId: string;
}

/** What scheduling answers, the first time and every time its transaction id is repeated. */
export interface Scheduled {
  readonly kind: 'scheduled';
  readonly groupName: string;
  readonly futures: readonly { readonly action: string | null; readonly tokens: FutureTokens }[];
  /** the event of a batch's `send_now`, which is in the room */
  readonly sendNow: EventId | null;
}

export type ScheduleAnswer =
  | Scheduled
  | Extract<AddAnswer, { kind: 'conflict' }>
  | OverLimit
  /** more at once, or faster, than one user may */
  | { readonly kind: 'too-fast'; readonly retryAfter: Ms }
  | { readonly kind: 'too-long'; readonly maximum: Ms }
  | { readonly kind: 'refused'; readonly error: Refusal }
  /** a template variable where there is no `send_now` */
  | { readonly kind: 'nothing-to-refer-to' }
  /** the `send_now` of a batch may be in the room; the same transaction id tells later */
  | { readonly kind: 'undecided' };

/** One future as it is asked for. */
export interface ScheduleRequest {
  readonly owner: UserId;
  readonly generation: Generation;
  readonly draft: Draft;
  readonly timeout: Ms | null;
  /** the device whose syncs restart the timer; left out: none do */
  readonly heartbeat?: string | null;
  /** null: a group of its own */
  readonly groupName: string | null;
  /** scope of its transaction id; null: it has none */
  readonly scope: string | null;
}

export interface BatchRequest {
  readonly owner: UserId;
  readonly timeout: Ms;
  /** the device whose syncs restart the timer; left out: none do */
  readonly heartbeat?: string | null;
  readonly sendOnTimeout: Draft;
  readonly sendOnAction: ReadonlyMap<string, Draft>;
  readonly sendNow: Draft | null;
  readonly scope: string;
}

export function tokensOf(
  { id, nonce, timeout }: Pick<Future, 'id' | 'nonce' | 'timeout'>,
  tokens: Tokens,
): FutureTokens {
  return {
    send: tokens.make('send', id, nonce),
    cancel: tokens.make('cancel', id, nonce),
    refresh: timeout === null ? null : tokens.make('refresh', id, nonce),
    delayId: tokens.make('delay', id, nonce),
  };
}
