import { inside } from './place.ts';
import { roomsSuite } from './suites/rooms.ts';

roomsSuite(inside);
