import { inside } from './place.ts';
import { callOutageSuite } from './suites/call-outage.ts';

callOutageSuite(inside);
