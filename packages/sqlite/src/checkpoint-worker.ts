/** The thread behind `Checkpointer`: told `copy`, it answers whether that worked; told `close`, it lets go. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { durability } from './durability.ts';

const { path, closed }: { path: string; closed: Int32Array } = workerData;
const connection = new DatabaseSync(path);
connection.exec(durability);
const passive = connection.prepare('PRAGMA wal_checkpoint(PASSIVE)');

parentPort?.on('message', (order: 'copy' | 'close') => {
  if (order === 'close') {
    connection.close();
    Atomics.store(closed, 0, 1);
    Atomics.notify(closed, 0);
    parentPort?.close();
    return;
  }
  parentPort?.postMessage(copy());
});

function copy(): boolean {
  try {
    passive.get();
    return true;
  } catch {
    return false;
  }
}
