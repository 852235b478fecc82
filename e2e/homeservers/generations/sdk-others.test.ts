import { callOutageSuite } from '../../js-sdk/suites/call-outage.ts';
import { callRefusedSuite } from '../../js-sdk/suites/call-refused.ts';
import { callSuite } from '../../js-sdk/suites/call.ts';
import { delaySupportSuite } from '../../js-sdk/suites/delay-support.ts';
import { delayedEventMethodsSuite } from '../../js-sdk/suites/delayed-event-methods.ts';
import { delayedEventsSuite } from '../../js-sdk/suites/delayed-events.ts';
import { messagesSuite } from '../../js-sdk/suites/messages.ts';
import { upstreams } from '../upstreams.ts';
import { gatewayBefore } from './gateway-place.ts';

/** The one that is as it is, and those that it imitates. */
const [inside, ...imitated] = upstreams
  .filter(({ name }) => /^(?:the homeserver inside|like )/.test(name))
  .map(gatewayBefore);

if (inside !== undefined)
  for (const suite of [
    messagesSuite,
    callSuite,
    delayedEventsSuite,
    delayedEventMethodsSuite,
    delaySupportSuite,
    callRefusedSuite,
    callOutageSuite,
  ])
    suite(inside);

// What is asked of the homeserver; the rest is between client and gateway.
for (const place of imitated) {
  callSuite(place);
  delayedEventsSuite(place);
}
