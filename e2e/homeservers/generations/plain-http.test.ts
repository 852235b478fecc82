import { afterAll, beforeAll, describe } from 'vitest';
import { startWorld, type World } from '../gateway-world.ts';
import { upstreams } from '../upstreams.ts';
import { acrossSuite } from './across.ts';
import { delayedEventsAsMergedSuite } from './delayed-events.ts';
import { eventsSuite } from './events.ts';
import { futuresSuite } from './futures.ts';
import { loginsSuite } from './logins.ts';

describe.each(upstreams)('through the gateway in front of $name', (upstream) => {
  let world: World;
  beforeAll(async () => {
    // No request is given up because the machine stands still: nothing here waits for that.
    world = await startWorld({ ...upstream, timeLimit: 10_000 }, ['--front', 'all', '--delay-ids']);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  futuresSuite(() => world);
  delayedEventsAsMergedSuite(() => world);
  acrossSuite(() => world);
  eventsSuite(() => world);
  loginsSuite(() => world);
});
