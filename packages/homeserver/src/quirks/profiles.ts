import { noQuirks, type Quirks } from './quirks.ts';

const synapse: Quirks = {
  ...noQuirks,
  software: { name: 'Synapse', version: '1.163.2' },
  serverHeader: 'Synapse/1.163.2',
  delayParameter: 'refused',
  partsLater: true,
  forgetsTransactions: 'without-device',
  transactionsCollide: true,
  // A tenth of what was seen: long enough to be interrupted, and tests end.
  sendTakes: 8,
  lateAnswers: { every: 10, by: 20 },
  sentRedactions: 'fail-in-version-10',
  redactsUnknownEvents: true,
  incompleteMessages: 'unknown',
  bannedJoins: 'bad-state',
  pushTakes: 12,
  losesLastPushes: true,
  pushIds: 'restarting',
  longestPushWait: 510_000,
};

const dendrite: Quirks = {
  ...noQuirks,
  software: { name: 'Dendrite', version: '0.15.2' },
  defaultRoomVersion: '10',
  foreignUsers: 'unknown-token',
  devices: 'ignored',
  serviceDevice: 'AS_Device',
  whoamiRate: { burst: 20, perSecond: 2 },
  everybodyDates: true,
  forgetsTransactions: 'always',
  transactionsCollide: true,
  sendTakes: 40,
  sharesConcurrentSends: false,
  forgetsCancelledSends: true,
  lateAnswers: { every: 10, by: 20 },
  identicalState: 'anybody',
  sentRedactions: 'do-nothing',
  incompleteMessages: 'accepted',
  tooLarge: 'bad-json',
  unknownRooms: 'unsupported-version',
  transactionIdsShown: 'in-sync',
  showsReplacedState: false,
  filtersAfterLimit: true,
  hidesMessagesAfterLeaving: true,
  showsOwnInvite: true,
  hasPing: false,
  pushTakes: 6,
  pushesRedactions: false,
  pushesNewestFirstAfterRestart: true,
  pushIds: 'nanoseconds',
  retriesGrow: true,
  longestPushWait: 64_000,
};

const tuwunel: Quirks = {
  ...noQuirks,
  software: { name: 'tuwunel', version: '1.9.0' },
  transactionScope: 'user',
  redactsWithoutMemory: true,
  identicalState: 'same-sender-undated',
  keptOverRestart: 50,
  pushRetries: 'with-traffic',
};

const continuwuity: Quirks = {
  ...noQuirks,
  software: { name: 'continuwuity', version: '26.8.0-alpha' },
  transactionScope: 'user',
  redactsWithoutMemory: true,
  identicalState: 'new',
  keptOverRestart: 50,
  pushRetries: 'with-traffic',
};

const palpo: Quirks = {
  ...noQuirks,
  software: { name: 'palpo', version: '0.4.0' },
  unregisteredUsers: 'made',
  devices: 'made',
  transactionScope: 'room',
  redactsWithoutMemory: true,
  identicalState: 'new',
  pushRetries: 'squares',
};

/** All that is known of a server, as one value: `--quirks NAME`. */
export const quirkProfiles = { synapse, dendrite, tuwunel, continuwuity, palpo } as const;

export type QuirkProfile = keyof typeof quirkProfiles;
