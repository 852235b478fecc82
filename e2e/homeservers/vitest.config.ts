import { defineConfig } from 'vitest/config';

/** Tests on real homeservers, `npm run test:homeservers`: they need Python and, the first time, a package registry. */
export default defineConfig({
  test: {
    include: ['e2e/homeservers/**/*.test.ts'],
    pool: 'forks',
    // A homeserver takes a core for itself, and some of the tests look at what happens within milliseconds.
    fileParallelism: false,
    globalSetup: 'e2e/homeservers/synapse-setup.ts',
    // Several waits of `until` one after the other, and the start of a homeserver on a machine that has other things to do.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
    passWithNoTests: false,
  },
});
