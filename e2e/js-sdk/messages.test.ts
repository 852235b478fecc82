import { inside } from './place.ts';
import { messagesSuite } from './suites/messages.ts';

messagesSuite(inside);
