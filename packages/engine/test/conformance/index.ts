/**
 * What every implementation of the store's port must do, as tests: each sentence of the port's docstrings is at least
 * one. They stand beside the engine's other tests, not in its sources, so that nothing of a test runner is in those.
 */
import { describe } from 'vitest';
import { atomicityConformance } from './atomicity.ts';
import { changeConformance } from './change.ts';
import { dueConformance } from './due.ts';
import { durabilityConformance } from './durability.ts';
import { inProcessConformance } from './in-process.ts';
import { leasesConformance } from './leases.ts';
import { listsConformance } from './lists.ts';
import { modelConformance } from './model.ts';
import { refreshConformance } from './refresh.ts';
import { retentionConformance } from './retention.ts';
import { stateConformance } from './state.ts';
import { storedConformance } from './stored.ts';
import type { MakeStore } from './subject.ts';

export {
  type Connection,
  type HomeserverUnderTest,
  type LocalUnderTest,
  localHomeserverConformance,
  type Login,
  remoteHomeserverConformance,
  type RemoteUnderTest,
} from './homeserver/index.ts';
export { ManualClock, type MakeStore, type StoreUnderTest } from './subject.ts';

/** Declares the tests, in a `describe` of that name. */
export function storeConformance(name: string, makeStore: MakeStore): void {
  describe(`${name} conforms to the port of the store`, () => {
    changeConformance(makeStore);
    storedConformance(makeStore);
    inProcessConformance(makeStore);
    dueConformance(makeStore);
    refreshConformance(makeStore);
    stateConformance(makeStore);
    listsConformance(makeStore);
    retentionConformance(makeStore);
    leasesConformance(makeStore);
    atomicityConformance(makeStore);
    durabilityConformance(makeStore);
    modelConformance(makeStore);
  });
}
