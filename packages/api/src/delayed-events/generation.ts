import type { Futures, JsonObject } from '@matrix-futures/engine';
import { endpoint, type Endpoint, MatrixError } from '@matrix-futures/http';
import { actions } from '../manage.ts';
import { delayedEventActionOfOwner } from './action.ts';
import { feature } from './feature.ts';
import { getOwnDelayedEvent } from './get.ts';
import { listOwnDelayedEvents } from './list.ts';
import { scheduleDelayedEvent, schedulingPaths } from './schedule.ts';

/** Delayed events as merged into the specification (MSC4140), with lists (MSC4486). */
export function delayedEventsEndpoints(futures: Futures): Endpoint[] {
  return [
    scheduleDelayedEvent(futures, 'stable'),
    scheduleDelayedEvent(futures, 'unstable'),
    ...actions.map((action) => delayedEventActionOfOwner(futures, action)),
    listOwnDelayedEvents(futures),
    getOwnDelayedEvent(futures),
  ];
}

/** What is left of them where they are switched off. */
export function delayedEventsAreOff(): Endpoint[] {
  const refused = endpoint({
    method: 'PUT',
    paths: [...schedulingPaths.stable, ...schedulingPaths.unstable],
    authentication: 'required',
    summary: 'Refuses to schedule',
    handle: () => {
      throw new MatrixError('forbidden', 'This server does not schedule delayed events');
    },
  });
  return [refused];
}

/**
 * What `/capabilities` says of them (MSC4140, "Delayed event limits as a capability"): there even when it is empty, a
 * limit that is not enforced left out.
 */
export function delayedEventsCapabilities({ limits }: Futures): JsonObject {
  const capability = {
    ...(limits.maxTimeout > 0 && { max_delay_ms: limits.maxTimeout }),
    ...(limits.perUser && { max_scheduled: limits.pendingPerUser }),
  };
  return { 'm.delayed_events': capability, [`${feature}.delayed_events`]: capability };
}
