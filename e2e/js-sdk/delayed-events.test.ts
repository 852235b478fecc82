import { inside } from './place.ts';
import { delayedEventsSuite } from './suites/delayed-events.ts';

delayedEventsSuite(inside);
