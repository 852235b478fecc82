import type { Clock, Timers } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import type { Manner } from '../manner.ts';
import { delaysOff } from './delay-parameter.ts';
import { oddEndpoints } from './endpoints.ts';
import { createOddIdentities } from './identities.ts';
import { oddJudging } from './judging.ts';
import { createOddPushQueue, oddPushPace } from './push-queue.ts';
import { noQuirks, type Quirks } from './quirks.ts';
import { oddReading } from './reading.ts';
import { createOddSending } from './sending.ts';
import { quirkMigrations } from './tables.ts';
import { openTransactionMemory } from './transaction-memory.ts';

export interface MannerParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** The manner of a server that is imitated. @param odd what is left out is as this server has it */
export function oddManner(odd: Partial<Quirks>, { database, clock, timers }: MannerParts): Manner {
  const quirks = { ...noQuirks, ...odd };
  database.migrate('homeserver-quirks', quirkMigrations);
  return {
    judging: oddJudging(quirks),
    shown: {
      transactionIds: quirks.transactionIdsShown === 'everywhere',
      replacedState: quirks.showsReplacedState,
    },
    reading: oddReading(quirks),
    pushPace: oddPushPace(quirks),
    everybodyDates: quirks.everybodyDates,
    partsLater: quirks.partsLater,
    defaultRoomVersion: quirks.defaultRoomVersion,
    ...(quirks.delayParameter === 'refused' ? delaysOff : { features: {}, capabilities: {} }),
    sending: (parts) => createOddSending(quirks, parts, openTransactionMemory(database, quirks), timers),
    identities: (parts) => createOddIdentities(quirks, parts),
    pushQueue: (parts) => createOddPushQueue(quirks, parts, database, clock),
    endpoints: (all) => oddEndpoints(quirks, all, clock),
  };
}
