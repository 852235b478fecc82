import type { Instant } from '../clock.ts';
import type { FutureId } from '../future.ts';
import type { Group } from '../group.ts';
import type { World } from '../store.ts';
import { alive } from './alive.ts';
import { bury } from './bury.ts';

/** Who claims, and until when it alone may make attempts. */
export interface Claimant {
  readonly node: string;
  readonly leaseEnd: Instant;
  /** `origin_server_ts` for the event, in wall time */
  readonly timestamp: number;
}

/** Names the winner and freezes the group while its event is on its way. */
export function claim(
  group: Group,
  winner: FutureId | null,
  cause: 'timer' | 'token',
  claimant: Claimant,
  now: Instant,
): Group {
  return {
    ...group,
    phase: winner === null ? group.phase : 'claimed',
    epoch: group.epoch + 1,
    claim: { winner, cause, ...claimant, since: now, taken: false, doomed: null },
  };
}

/** A timer may claim: the group is open, the future alive, and its current deadline reached. Never early. */
export function isDue(group: Group, id: FutureId, world: World): boolean {
  const future = group.futures.find((member) => member.id === id);
  return (
    group.phase === 'open' &&
    future !== undefined &&
    future.deadline !== null &&
    world.now >= future.deadline &&
    alive(future, world)
  );
}

/** Claims for a timer, if the future is due; what is dead is written down either way. */
export function claimDue(
  found: Group,
  id: FutureId,
  claimant: Claimant,
  world: World,
): { next: Group; claimed: boolean } {
  const group = found.phase === 'open' ? bury(found, world, true) : found;
  if (!isDue(group, id, world)) return { next: group, claimed: false };
  return { next: claim(group, id, 'timer', claimant, world.now), claimed: true };
}

/** Whether a send by hand has its claim, or what to wait for. */
export type SendAnswer =
  | { readonly kind: 'claimed' }
  /** already on its way: the answer is that of the delivery under way */
  | { readonly kind: 'join' }
  /** another future of the group is on its way: wait, then ask again */
  | { readonly kind: 'wait' }
  | { readonly kind: 'gone' };

/** May this future be sent by hand now? Local homeservers send at once; remote ones claim first. */
export function mayBeSent(
  found: Group,
  id: FutureId,
  certain: boolean,
  world: World,
): { next: Group; answer: Exclude<SendAnswer, { kind: 'claimed' }> | { kind: 'may' } } {
  const group = bury(found, world, certain);
  const future = group.futures.find((member) => member.id === id);
  if (future === undefined || !alive(future, world)) return { next: group, answer: { kind: 'gone' } };
  if (group.phase === 'claimed')
    return { next: group, answer: { kind: group.claim?.winner === id ? 'join' : 'wait' } };
  return { next: group, answer: { kind: group.phase === 'open' ? 'may' : 'gone' } };
}

/** Claims for a token or a login, if `mayBeSent` says so. */
export function claimByHand(
  found: Group,
  id: FutureId,
  certain: boolean,
  claimant: Claimant,
  world: World,
): { next: Group; answer: SendAnswer } {
  const { next, answer } = mayBeSent(found, id, certain, world);
  if (answer.kind !== 'may') return { next, answer };
  return { next: claim(next, id, 'token', claimant, world.now), answer: { kind: 'claimed' } };
}

/**
 * The same node after a restart: the claim goes on under a new epoch. Its predecessor is certainly dead (the data
 * directory is locked), so this is not a take-over.
 */
export function resume(group: Group, node: string, leaseEnd: Instant): Group {
  return withClaim(group, { node, leaseEnd }, group.epoch + 1);
}

/** Another node takes over; the first may be frozen in the middle of an attempt, and wake. */
export function takeOver(group: Group, node: string, leaseEnd: Instant): Group {
  return withClaim(group, { node, leaseEnd, taken: true }, group.epoch + 1);
}

function withClaim(group: Group, change: Partial<Group['claim'] & object>, epoch: number): Group {
  return group.claim === null ? group : { ...group, epoch, claim: { ...group.claim, ...change } };
}
