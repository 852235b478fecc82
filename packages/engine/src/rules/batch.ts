import { sameKey, stateKeyOf, type Draft, type EventId } from '../event.ts';
import type { Future } from '../future.ts';
import type { Group } from '../group.ts';
import type { World } from '../store.ts';
import { withSendNow } from '../template.ts';
import { deadlineAfter } from './add.ts';

/**
 * A future of a batch whose `send_now` is in the room. On the state key of `send_now` that event is its fence, so that
 * a `send_now` of state does not invalidate its own leave; on every other key it is newer state that counts, as always.
 */
export function afterSendNow(future: Future, sendNow: Draft, event: EventId, world: World): Future {
  const draft = { ...future.draft, content: withSendNow(future.draft.content, event) };
  if (!sameKey(stateKeyOf(draft), stateKeyOf(sendNow))) return { ...future, draft };
  return { ...future, draft, fence: { kind: 'event', event }, stateOrder: world.stateOrder };
}

/** The `send_now` of a staged batch is in the room: its futures come to life. */
export function openStaged(group: Group, event: EventId, world: World): Group {
  const { sendNow } = group;
  return {
    ...group,
    phase: 'open',
    claim: null,
    sendNow: null,
    futures: group.futures.map((future) => ({
      ...(sendNow === null ? future : afterSendNow(future, sendNow, event, world)),
      status: 'scheduled',
      since: world.now,
      deadline: future.timeout === null ? null : deadlineAfter(world.now, future.timeout),
    })),
  };
}
