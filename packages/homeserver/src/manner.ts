import type { JsonObject } from '@matrix-futures/engine';
import type { Endpoint } from '@matrix-futures/http';
import {
  createIdentities,
  type Identities,
  type IdentityParts,
} from './application-services/authenticate.ts';
import type { ServicePositions } from './application-services/positions.ts';
import { createPushQueue, type PushQueue } from './application-services/push-queue.ts';
import { pushPace, type PushPace } from './application-services/pusher.ts';
import type { ApplicationService } from './application-services/services.ts';
import type { ReadTransaction } from './application-services/transaction-reader.ts';
import type { RoomVersionId } from './room-versions/room-version.ts';
import { shown, type Shown } from './rooms/client-event.ts';
import { judging, type Judging } from './rooms/judging.ts';
import { reading, type Reading } from './rooms/reading.ts';
import { createSending, type Sending, type SendingParts } from './rooms/sending.ts';
import type { Positions } from './stream/positions.ts';

/** Where homeservers differ from one another: each difference is a value or a function that those it concerns are given. */
export interface Manner {
  readonly judging: Judging;
  readonly shown: Shown;
  readonly reading: Reading;
  readonly pushPace: PushPace;
  /** `?ts=` is not for application services alone. */
  readonly everybodyDates: boolean;
  /** Deactivating is answered before the rooms have been left. */
  readonly partsLater: boolean;
  /** of rooms whose creator names none; null: as configured */
  readonly defaultRoomVersion: RoomVersionId | null;
  /** flags of `/versions` and capabilities that it has beside those of others */
  readonly features: Readonly<Record<string, boolean>>;
  readonly capabilities: JsonObject;
  sending(parts: SendingParts): Sending;
  identities(parts: IdentityParts): Identities;
  pushQueue(parts: PushQueueParts): PushQueue;
  /** The endpoints as they are served. */
  endpoints(all: readonly Endpoint[]): readonly Endpoint[];
}

export interface PushQueueParts {
  readonly service: ApplicationService;
  readonly stream: Positions;
  readonly told: ServicePositions;
  readonly read: ReadTransaction;
}

/** This homeserver's own. */
export const ownManner: Manner = {
  judging,
  shown,
  reading,
  pushPace,
  everybodyDates: false,
  partsLater: false,
  defaultRoomVersion: null,
  features: {},
  capabilities: {},
  sending: createSending,
  identities: createIdentities,
  pushQueue: ({ service, told, read }) => createPushQueue(service, told, read),
  endpoints: (all) => all,
};
