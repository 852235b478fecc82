import type { Clock, Instant } from '../clock.ts';
import { sameKey, stateKeyOf, type Draft, type EventId, type StateKey } from '../event.ts';
import type { Fence, Future } from '../future.ts';
import type { Claim, Group, TransactionMemory } from '../group.ts';
import type { Sent } from '../homeserver.ts';
import { draftOf } from '../rules/attempt.ts';
import type { Tokens } from '../tokens.ts';

/** What a claim sends. Nothing of it changes as long as the claim lasts. */
export interface Dispatch {
  readonly group: Group;
  readonly claim: Claim;
  readonly draft: Draft;
  /** the state key it changes; null: a message */
  readonly key: StateKey | null;
  /** null: the `send_now` of a batch */
  readonly winner: Future | null;
}

/** @param group claimed, or staged with a `send_now` */
export function dispatchOf(group: Group): Dispatch {
  const { claim } = group;
  const draft = draftOf(group);
  if (claim === null || draft === null) throw new TypeError(`group ${group.id} has nothing to send`);
  const winner = group.futures.find(({ id }) => id === claim.winner) ?? null;
  return { group, claim, draft, key: stateKeyOf(draft), winner };
}

export function transactionIdOf({ winner, group }: Dispatch, tokens: Tokens): string {
  return winner === null
    ? tokens.transactionId('group', group.id)
    : tokens.transactionId('future', winner.id);
}

/** How a look has to recognise it. */
export function sentOf(dispatch: Dispatch, tokens: Tokens, clock: Clock): Sent {
  const { claim, draft } = dispatch;
  return {
    draft,
    transactionId: transactionIdOf(dispatch, tokens),
    timestamp: claim.timestamp,
    since: Math.floor(claim.since + clock.wall() - clock.now()),
    fence: fenceOf(dispatch),
  };
}

/**
 * What was current on the state key before the claim. A `send_now` has no fence of its own, but whatever stands on its
 * key in the same batch has: it was read before the batch was staged.
 */
export function fenceOf({ group, key, winner }: Dispatch): Fence {
  if (key === null) return { kind: 'untold' };
  const knows = winner ?? group.futures.find(({ draft }) => sameKey(stateKeyOf(draft), key));
  return knows?.fence ?? { kind: 'unreadable' };
}

/** What a batch's transaction id answers, which is also its group's name. */
export function memoryOf(group: Group, sendNow: EventId | null, at: Instant): TransactionMemory {
  const futures = group.futures.map(({ id, action }) => ({ id, action }));
  return { scope: group.name, at, groupName: group.name, futures, sendNow };
}
