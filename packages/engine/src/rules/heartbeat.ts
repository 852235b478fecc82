import type { Instant } from '../clock.ts';
import type { UserId } from '../event.ts';
import type { Future, FutureId } from '../future.ts';
import type { Group } from '../group.ts';
import type { World } from '../store.ts';
import { deadlineAfter } from './add.ts';
import { alive } from './alive.ts';

/** When a device was last syncing. */
export type LastSync = (user: UserId, device: string) => Instant;

/**
 * A future as the syncs of its device have it: each of them restarted its timer. The same object when none did.
 * Syncs are not written down, so this is asked where it matters: when the timer has run out, and for lists.
 */
export function afterSyncs(future: Future, owner: UserId, lastSync: LastSync): Future {
  const { heartbeat, timeout, since, status } = future;
  if (heartbeat === null || timeout === null || status !== 'scheduled') return future;
  const last = lastSync(owner, heartbeat);
  return last > since ? { ...future, since: last, deadline: deadlineAfter(last, timeout) } : future;
}

/** The group of a future that is due, with the timer restarted by its device's syncs; null: there were none. */
export function refreshedBySyncs(
  group: Group,
  due: FutureId | null,
  lastSync: LastSync,
  world: World,
): Group | null {
  const future = group.futures.find(({ id }) => id === due);
  if (future === undefined || group.phase !== 'open' || !alive(future, world)) return null;
  const refreshed = afterSyncs(future, group.owner, lastSync);
  if (refreshed === future) return null;
  return { ...group, futures: group.futures.map((one) => (one === future ? refreshed : one)) };
}
