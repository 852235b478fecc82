/**
 * `npm run bench` measures everything; `npm run bench -- throughput` … one part; `--quick` one short iteration of each.
 * Figures are compared with a bare `node:http` server in the same run: take the ratios, not the absolute numbers.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fire } from './fire.ts';
import { gateway } from './gateway.ts';
import { full, quick } from './pace.ts';
import { pending } from './pending.ts';
import { machine, table, type Figure } from './report.ts';
import { startUp } from './start-up.ts';
import { throughput } from './throughput.ts';

const parts = ['throughput', 'fire', 'gateway', 'pending', 'start-up'];
const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean' } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !parts.includes(name));
if (unknown !== undefined) throw new Error(`no benchmark "${unknown}"; there are ${parts.join(', ')}`);
const pace = values.quick ? quick : full;
const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);

/** A fresh data directory, removed afterwards. */
async function inDirectory<R>(work: (directory: string) => Promise<R>): Promise<R> {
  const directory = await mkdtemp(join(tmpdir(), 'matrix-futures-bench-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const figures: Figure[] = [];
const say = (more: readonly Figure[]): void => {
  figures.push(...more);
  for (const { name, value } of more) console.log(`${name}: ${value}`);
};

console.log(machine());
let refreshesPerSecond = 1_000;
if (wanted('throughput') || wanted('fire')) {
  const measured = await inDirectory((directory) => throughput(directory, pace));
  refreshesPerSecond = measured.perSecond;
  say(measured.figures);
}
if (wanted('fire')) say(await inDirectory((directory) => fire(directory, pace, refreshesPerSecond)));
if (wanted('gateway')) say(await inDirectory((directory) => gateway(directory, pace)));
if (wanted('start-up')) say(await inDirectory((directory) => startUp(directory, pace)));
if (wanted('pending')) say(await inDirectory((directory) => pending(directory, pace)));
console.log(`\n${machine()}\n\n${table(figures)}`);
