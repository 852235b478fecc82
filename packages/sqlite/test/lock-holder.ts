/** A process of its own that holds the lock on the directory it is given, until it is killed. */
import { lockDataDirectory } from '../src/index.ts';

const lock = lockDataDirectory(process.argv[2] ?? '');
process.stdout.write('held\n');
setInterval(() => lock, 60_000);
