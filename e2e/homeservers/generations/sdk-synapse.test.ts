import { callOutageSuite } from '../../js-sdk/suites/call-outage.ts';
import { callRefusedSuite } from '../../js-sdk/suites/call-refused.ts';
import { callSuite } from '../../js-sdk/suites/call.ts';
import { delaySupportSuite } from '../../js-sdk/suites/delay-support.ts';
import { delayedEventMethodsSuite } from '../../js-sdk/suites/delayed-event-methods.ts';
import { delayedEventsSuite } from '../../js-sdk/suites/delayed-events.ts';
import { messagesSuite } from '../../js-sdk/suites/messages.ts';
import { gatewayBefore } from './gateway-place.ts';
import { synapseWith } from '../upstreams.ts';

const place = gatewayBefore(synapseWith({ experimental_features: { msc4354_enabled: true } }));

messagesSuite(place);
callSuite(place);
delayedEventsSuite(place);
delayedEventMethodsSuite(place);
delaySupportSuite(place);
callRefusedSuite(place);
callOutageSuite(place);
