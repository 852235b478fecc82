/**
 * What to do after an attempt, or a look, of a delivery to a remote homeserver. Pure, so that every interleaving of
 * lost, late and refused answers, crashes and take-overs can be explored on this very code.
 *
 * ```
 *            ┌───────────── retry ◀──────────────┐
 *            ▼                                   │
 *   claim ─▶ attempt ─▶ accepted ─▶ settle       │
 *            │  │  └─▶ refused, certain ─▶ refuse │
 *            │  └────▶ not taken, certain ─▶ give back (token) │ retry (timer)
 *            └───────▶ anything else: unknown ─▶ look (forgetful, doomed or refused) │ retry the same request (durable)
 *                                                 look: accepted ─▶ settle · absent ─▶ proved absent, certain again
 *                                                       cannot tell ─▶ look later │ retry the same request (durable)
 * ```
 * `certain`: no attempt of this claim can have had an effect. False as soon as a request has been written.
 */
import type { Ms } from '../clock.ts';
import type { Draft, EventId } from '../event.ts';
import type { CancelReason, Generation, Refusal } from '../future.ts';
import type { Claim, Group } from '../group.ts';
import type { Accepted, NewState, NotTaken, Refused, RemoteHomeserver, Unknown } from '../homeserver.ts';
import type { World } from '../store.ts';
import { bury } from './bury.ts';
import { gaveUp, provedAbsent, refused } from './delivered.ts';
import { cancelled, finish, reopen } from './end.ts';

/** What was found out, just before an attempt, about things that only the homeserver knows. */
export interface Guards {
  /** why the event's sender may not be acted for in that room; null: they may */
  readonly refusal: Refusal | null;
  /** what has become of the winner's state key since its fence */
  readonly newState: NewState;
}

/** Does new state of that kind invalidate a future of that generation? What cannot be read cancels nothing. */
function invalidates(newState: NewState, generation: Generation): boolean {
  switch (generation) {
    case 'futures':
      return newState === 'own' || newState === 'others';
    case 'delay-parameter':
      return newState === 'others';
    case 'delayed-events':
      return false;
  }
}

/** What the last word before an attempt came to. */
export type Begun =
  | { readonly kind: 'deliver'; readonly claim: Claim; readonly draft: Draft }
  | { readonly kind: 'look'; readonly claim: Claim; readonly draft: Draft }
  /** `error`: what whoever asked for it is told; null: the group says it */
  | { readonly kind: 'over'; readonly error: Refusal | null };

/**
 * The last word before an attempt, under the group's lock. After `deliver` the caller's `certain` is false, from this
 * very moment on: a cancel that comes between here and the request finds that it may be too late.
 */
export function beginAttempt(
  found: Group | null,
  epoch: number,
  certain: boolean,
  guards: Guards,
  giveUpAfter: Ms,
  world: World,
): { next: Group | null; answer: Begun } {
  const over = (next: Group | null, error: Refusal | null = null) => ({
    next,
    answer: { kind: 'over', error } as const,
  });
  if (found === null || found.claim === null || found.epoch !== epoch) return over(found);
  const { refusal } = guards;
  if (refusal !== null && certain) return over(refused(found, found.claim, refusal, world), refusal);
  const group = guarded(bury(found, world, certain), guards, certain, world);
  const { claim } = group;
  const draft = draftOf(group);
  if (claim === null || draft === null) return over(group);
  if (claim.doomed !== null && certain) return over(provedAbsent(group, claim, world));
  // A `send_now` cannot be doomed, but for whom nobody may act it is not sent again either.
  if (claim.doomed !== null || refusal !== null)
    return { next: group, answer: { kind: 'look', claim, draft } };
  if (!certain && world.now - claim.since >= giveUpAfter) return over(gaveUp(group, claim, world));
  return { next: group, answer: { kind: 'deliver', claim, draft } };
}

/** A winner that newer state or its owner's end has overtaken: cancelled while that is certain, else doomed. */
function guarded(group: Group, guards: Guards, certain: boolean, world: World): Group {
  const { claim } = group;
  const reason = overtakenBy(group, guards);
  if (claim === null || claim.winner === null || reason === null) return group;
  if (certain) return reopen(finish(group, claim.winner, cancelled(reason, world.now)), world.now);
  return { ...group, claim: { ...claim, doomed: claim.doomed ?? reason } };
}

function overtakenBy({ claim, futures }: Group, { newState, refusal }: Guards): CancelReason | null {
  const winner = futures.find(({ id }) => id === claim?.winner);
  if (winner !== undefined && invalidates(newState, winner.generation)) return 'state';
  return refusal === null ? null : 'deactivated';
}

/** What a claim sends. */
export function draftOf(group: Group): Draft | null {
  if (group.claim === null) return null;
  if (group.claim.winner === null) return group.sendNow;
  return group.futures.find(({ id }) => id === group.claim?.winner)?.draft ?? null;
}

/** What follows an attempt, as drawn at the top. */
export type NextStep =
  | { readonly do: 'settle'; readonly event: EventId }
  | { readonly do: 'refuse'; readonly error: Refusal }
  | { readonly do: 'give-back'; readonly error: Refusal }
  /** the same request again; `certain` says whether that is safe to call off */
  | { readonly do: 'retry'; readonly certain: boolean; readonly notBefore: Ms | null }
  | { readonly do: 'look' };

type Memory = ReturnType<RemoteHomeserver['memoryOf']>;

/**
 * What follows an attempt's answer.
 * @param certainBefore no earlier attempt of this claim can have had an effect
 * @param memory whether the homeserver takes the same request again for the same
 */
export function afterAttempt(
  result: Accepted | Refused | NotTaken | Unknown,
  certainBefore: boolean,
  claim: Pick<Claim, 'cause' | 'doomed' | 'taken'>,
  memory: Memory,
): NextStep {
  switch (result.kind) {
    case 'accepted':
      return { do: 'settle', event: result.event };
    case 'refused':
      if (certainBefore) return { do: 'refuse', error: result.error };
      // The same request may be refused for a day; a look settles it in a minute. Not after a take-over: the node it
      // was taken from may write its attempt after the look.
      return claim.taken ? afterUnknown(claim, memory, null) : { do: 'look' };
    case 'not-taken':
      if (!certainBefore) return afterUnknown(claim, memory, result.retryAfter);
      return claim.cause === 'token' || claim.doomed !== null
        ? { do: 'give-back', error: result.error }
        : { do: 'retry', certain: true, notBefore: result.retryAfter };
    case 'unknown':
      return afterUnknown(claim, memory, null);
  }
}

function afterUnknown(claim: Pick<Claim, 'doomed'>, memory: Memory, notBefore: Ms | null): NextStep {
  if (memory === 'durable' && claim.doomed === null) return { do: 'retry', certain: false, notBefore };
  return { do: 'look' };
}
