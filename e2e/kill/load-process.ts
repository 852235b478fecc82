/** The load in a process of its own: it tells what it was answered, and is told where the server is. */
import { Load } from './load.ts';
import type { Order, Report } from './orders.ts';

function report(what: Report): void {
  process.send?.(what);
}

let load: Load | null = null;

async function obey(order: Order): Promise<void> {
  if (order.kind === 'begin') {
    load = new Load(order.url, order.setting, (operation) => report({ kind: 'did', operation }));
    await load.run();
    report({ kind: 'done' });
  } else if (order.kind === 'server') {
    load?.serverAt(order.url);
  } else if (order.kind === 'finish') {
    if (load !== null) load.finishing = true;
  } else {
    await load?.audit();
    report({ kind: 'done' });
  }
}

process.on('message', (order: Order) => void obey(order));
