import { callSuite } from '../../js-sdk/suites/call.ts';
import { delaySupportSuite } from '../../js-sdk/suites/delay-support.ts';
import { delayedEventMethodsSuite } from '../../js-sdk/suites/delayed-event-methods.ts';
import { delayedEventsSuite } from '../../js-sdk/suites/delayed-events.ts';
import { upstreams } from '../upstreams.ts';
import { gatewayBefore } from './gateway-place.ts';

// Those that depend on what is behind the gateway.
for (const upstream of upstreams.filter(({ name, isOurs }) => isOurs && name !== 'Synapse')) {
  const place = gatewayBefore(upstream);
  callSuite(place);
  delayedEventsSuite(place);
  if (upstream.isImitation) continue;
  delayedEventMethodsSuite(place);
  delaySupportSuite(place);
}
