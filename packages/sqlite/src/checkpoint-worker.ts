/** The thread behind `Checkpointer`: told `copy`, it answers whether that worked; told `close`, it lets go. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { durability } from './durability.ts';

const { path, closed }: { path: string; closed: Int32Array } = workerData;
let connection: DatabaseSync | null = null;

parentPort?.on('message', (order: 'copy' | 'close') => {
  if (order === 'copy') {
    parentPort?.postMessage(copy());
    return;
  }
  connection?.close();
  parentPort?.close();
  Atomics.store(closed, 0, 1);
  Atomics.notify(closed, 0);
});

function copy(): boolean {
  try {
    connection ??= open();
    connection.exec('PRAGMA wal_checkpoint(PASSIVE)');
    return true;
  } catch {
    return false;
  }
}

function open(): DatabaseSync {
  const opened = new DatabaseSync(path);
  opened.exec(durability);
  return opened;
}
