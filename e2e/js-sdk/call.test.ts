import { inside } from './place.ts';
import { callSuite } from './suites/call.ts';

callSuite(inside);
