import { inside } from './place.ts';
import { callRefusedSuite } from './suites/call-refused.ts';

callRefusedSuite(inside);
