import { inside } from './place.ts';
import { delayedEventMethodsSuite } from './suites/delayed-event-methods.ts';

delayedEventMethodsSuite(inside);
