import { apiEndpoints } from '@matrix-futures/api';
import { defaultLimits, Futures, type LocalHomeserver, Tokens } from '@matrix-futures/engine';
import { endpoint, type Endpoint } from '@matrix-futures/http';
import { MemoryStore } from '@matrix-futures/store-memory';
import { machine, randomness, timers } from '../system.ts';

const nowhere: LocalHomeserver = {
  kind: 'local',
  judgeForm: () => null,
  append: () => {
    throw new Error('There is no homeserver here');
  },
};

/** Every endpoint that the gateway may serve, of every generation, to be read: nothing stands behind them. */
export function everyEndpoint(): readonly Endpoint[] {
  const clock = { now: machine.running, wall: machine.wall };
  const futures = new Futures({
    store: new MemoryStore({ clock, retention: { listed: 0, listedPerOwner: 0, tombstones: 0 } }),
    homeserver: nowhere,
    tokens: new Tokens([randomness.bytes(32)]),
    limits: defaultLimits,
    onError: () => {},
    ...{ clock, timers, randomness },
  });
  const plainSend = {
    endpoint: endpoint({ method: 'PUT', paths: [], authentication: 'required', handle: () => ({}) }),
    hasAnswered: () => false,
    countEvent: () => {},
  };
  return apiEndpoints({
    futures,
    generations: new Set(['futures', 'delay-parameter', 'delayed-events']),
    plainSend,
    seesSyncs: false,
    onError: () => {},
  }).endpoints;
}
