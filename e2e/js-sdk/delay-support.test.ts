import { inside } from './place.ts';
import { delaySupportSuite } from './suites/delay-support.ts';

delaySupportSuite(inside);
