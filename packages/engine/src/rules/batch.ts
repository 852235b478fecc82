import type { EventId } from '../event.ts';
import type { Group } from '../group.ts';
import type { World } from '../store.ts';
import { withSendNow } from '../template.ts';
import { deadlineAfter } from './add.ts';

/**
 * The `send_now` of a staged batch is in the room: its futures come to life. Their fence is that very event, so that
 * a `send_now` of state does not invalidate its own leave.
 */
export function openStaged(group: Group, sendNow: EventId, world: World): Group {
  return {
    ...group,
    phase: 'open',
    claim: null,
    sendNow: null,
    futures: group.futures.map((future) => ({
      ...future,
      status: 'scheduled',
      draft: { ...future.draft, content: withSendNow(future.draft.content, sendNow) },
      fence: { kind: 'event', event: sendNow },
      stateOrder: world.stateOrder,
      since: world.now,
      deadline: future.timeout === null ? null : deadlineAfter(world.now, future.timeout),
    })),
  };
}
