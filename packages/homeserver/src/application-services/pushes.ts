import type { Turn } from '@matrix-futures/sqlite';
import type { Positions } from '../stream/positions.ts';
import type { ServicePositions } from './positions.ts';
import type { PushQueue } from './push-queue.ts';
import { createPusher, type Pusher, type Pushing } from './pusher.ts';
import type { ApplicationService, ApplicationServices } from './services.ts';

/** All services that are told of events. */
export interface Pushes {
  /** Inside a unit that appends an event: they hear of it after the commit. */
  eventAppended(): void;
  /** From now on services are told, first what they have missed. */
  start(): void;
  stop(): Promise<void>;
  /** The service answers again. */
  hurry(service: ApplicationService): void;
}

export interface PushesParts {
  readonly services: ApplicationServices;
  /** of events */
  readonly stream: Positions;
  /** how far each service has been told */
  readonly told: ServicePositions;
  readonly queueOf: (service: ApplicationService) => PushQueue;
}

/** A service that is new here begins with what comes from now on. */
export async function openPushes(
  { services, stream, told, queueOf }: PushesParts,
  pushing: Pushing,
): Promise<Pushes> {
  const { turn } = pushing;
  await turn.unit(() => {
    for (const { id } of services.all) {
      if (told.of(id) === undefined) told.set(id, stream.current());
    }
  });
  const pushers = new Map<ApplicationService, Pusher>();
  for (const service of services.all) {
    const { url } = service;
    if (url !== null) pushers.set(service, createPusher({ ...service, url }, queueOf(service), pushing));
  }
  let isStarted = false;
  const wake = (): void => {
    for (const pusher of pushers.values()) pusher.wake();
  };
  return {
    eventAppended: wakeAfterCommit(turn, pushers.size > 0, () => {
      if (isStarted) wake();
    }),
    start() {
      isStarted = true;
      wake();
    },
    async stop() {
      isStarted = false;
      await Promise.all(pushers.values().map((pusher) => pusher.stop()));
    },
    hurry: (service) => pushers.get(service)?.hurry(),
  };
}

function wakeAfterCommit(turn: Turn, isNeeded: boolean, wake: () => void): () => void {
  return isNeeded ? () => turn.onCommit(wake) : () => {};
}
