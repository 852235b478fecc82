import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'lint/test/**/*.test.ts', 'e2e/**/*.test.ts'],
    // These need more than Node, and minutes of their own: `npm run test:homeservers`, `npm run test:proxies`.
    exclude: [...configDefaults.exclude, 'e2e/homeservers/**', 'e2e/proxies/**'],
    // Processes, not threads: tests kill servers, open databases and read process-wide state.
    pool: 'forks',
    // What the machines that run this have. More would only make timings less certain.
    maxWorkers: 2,
    // A machine that is busy, or stands still for a while, takes its time; what never comes fails all the same.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    passWithNoTests: false,
  },
});
