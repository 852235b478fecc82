import { defineConfig } from 'vitest/config';

/** Tests through real proxies, `npm run test:proxies`: they need nginx, HAProxy and Caddy, or the right to install them. */
export default defineConfig({
  test: {
    include: ['e2e/proxies/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    // A proxy finds out in its own time that a server is back, and writes its log when it likes.
    expect: { poll: { timeout: 30_000 } },
    // The first to start may have to install.
    hookTimeout: 600_000,
    passWithNoTests: false,
  },
});
