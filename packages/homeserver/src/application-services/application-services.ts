import type { Clock, Timers } from '@matrix-futures/engine';
import type { Endpoint } from '@matrix-futures/http';
import type { Database } from '@matrix-futures/sqlite';
import type { AccountStore } from '../accounts/account-store.ts';
import type { Manner } from '../manner.ts';
import type { ClientEvents } from '../rooms/client-event.ts';
import type { RoomStore } from '../rooms/room-store.ts';
import type { Positions } from '../stream/positions.ts';
import { pingService } from './endpoints/ping.ts';
import { openServicePositions } from './positions.ts';
import { openPushes, type Pushes } from './pushes.ts';
import { createServiceClient } from './service-client.ts';
import type { ApplicationServices } from './services.ts';
import { createTransactionReader } from './transaction-reader.ts';

export interface ServiceParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly timers: Timers;
  /** of events */
  readonly stream: Positions;
  readonly store: RoomStore;
  readonly events: ClientEvents;
  readonly accounts: AccountStore;
  readonly manner: Manner;
  readonly onError: (error: unknown) => void;
}

/** Brings its tables up to date, makes the services' own users, and wires itself. */
export async function openApplicationServices(
  services: ApplicationServices,
  parts: ServiceParts,
): Promise<{ readonly pushes: Pushes; readonly endpoints: readonly Endpoint[] }> {
  const { database, clock, timers, stream, store, events, accounts, manner, onError } = parts;
  const { turn } = database;
  const ask = createServiceClient(timers);
  const told = openServicePositions(database);
  await turn.unit(() => {
    for (const { sender: userId } of services.all) {
      if (accounts.find(userId) !== undefined) continue;
      accounts.create({ userId, password: null, isAdmin: false }, clock.wall());
    }
  });
  const read = createTransactionReader(database, events, (room) => store.joinedMembers(room));
  const pushes = await openPushes(
    { services, stream, told, queueOf: (service) => manner.pushQueue({ service, stream, told, read }) },
    { turn, timers, ask, pace: manner.pushPace, onError },
  );
  const ping = pingService(services, clock, ask, (service) => pushes.hurry(service));
  return { pushes, endpoints: services.all.length === 0 ? [] : [ping] };
}
