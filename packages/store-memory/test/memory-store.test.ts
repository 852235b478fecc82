import { ManualClock, storeConformance, type MakeStore } from '@matrix-futures/engine/conformance';
import { MemoryStore } from '@matrix-futures/store-memory';

function makeStore(unit: MemoryStore['unit']): MakeStore {
  return (retention) => {
    const clock = new ManualClock();
    let fail = false;
    const beforeCommit = () => {
      if (!fail) return;
      fail = false;
      throw new Error('told to fail');
    };
    let store = new MemoryStore({ clock, retention, unit, beforeCommit });
    const reopen = async () =>
      (store = new MemoryStore({ clock, retention, unit, beforeCommit, image: store.image() }));
    return { store, clock, reopen, failNextCommit: () => (fail = true) };
  };
}

storeConformance('the memory store', makeStore('in-process'));
storeConformance('the memory store as a remote one', makeStore('remote'));
