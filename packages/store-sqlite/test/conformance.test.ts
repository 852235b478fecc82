import { ManualClock, storeConformance } from '@matrix-futures/engine/conformance';
import { afterEach } from 'vitest';
import { StoreFixture } from './store-fixture.ts';

const fixtures: StoreFixture[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
});

storeConformance('store-sqlite', (retention) => {
  const clock = new ManualClock();
  const fixture = new StoreFixture({ clock, retention });
  fixtures.push(fixture);
  return {
    store: fixture.store,
    clock,
    reopen: async () => fixture.reopen(),
    failNextCommit: () => fixture.failNextCommit(),
  };
});
