import { callSuite } from '../../js-sdk/suites/call.ts';
import { delaySupportSuite } from '../../js-sdk/suites/delay-support.ts';
import { delayedEventMethodsSuite } from '../../js-sdk/suites/delayed-event-methods.ts';
import { delayedEventsSuite } from '../../js-sdk/suites/delayed-events.ts';
import { upstreams } from '../upstreams.ts';
import { gatewayBefore } from './gateway-place.ts';

/** The one that is as it is, and those that it imitates. */
const [inside, ...imitated] = upstreams
  .filter(({ name }) => /^(?:the homeserver inside|like )/.test(name))
  .map(gatewayBefore);

if (inside !== undefined)
  for (const suite of [callSuite, delayedEventsSuite, delayedEventMethodsSuite, delaySupportSuite])
    suite(inside);

// Those that depend on what is behind the gateway.
for (const place of imitated) for (const suite of [callSuite, delayedEventsSuite]) suite(place);
