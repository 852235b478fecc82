import fs from 'node:fs';
import { openDatabase } from '@matrix-futures/sqlite';
import { SqliteStore } from './src/index.ts';
const path = process.argv[2] ?? '/tmp/m/s.db';
const N = Number(process.argv[3] ?? 100000);
for (const f of [path, path + '-wal', path + '-shm']) fs.rmSync(f, { force: true });
const timers = {
  soon(r: () => void) {
    const h = setImmediate(r);
    return () => clearImmediate(h);
  },
};
const t0 = performance.now();
const clock = { now: () => 1.7e12 + performance.now() - t0, wall: () => Date.now() };
const retention = { listed: 6048e5, listedPerOwner: 1000, tombstones: 6048e5 };
const owners = Number(process.argv[4] ?? 1000);
const withState = process.argv[5] === 'state';
const rss = () => {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 1e6;
};
let database = openDatabase({ path, timers });
let store = new SqliteStore({ database, clock, retention });
const r0 = rss();
const futures: { future: number; nonce: { high: number; low: number }; generation: null }[] = [];
let s = performance.now(),
  c = process.cpuUsage();
const batch = 64;
for (let i = 0; i < N; i += batch) {
  const all = [];
  for (let j = i; j < Math.min(N, i + batch); j++) {
    const owner = `@user${j % owners}:example.org`;
    all.push(store.recall(`scope ${j}`));
    all.push(
      store.change({ by: 'name', owner, name: `group-${j}-abcdefghijkl` }, (found, world) => {
        const id = world.newFutureId();
        const nonce = { high: (Math.random() * 2 ** 32) >>> 0, low: (Math.random() * 2 ** 32) >>> 0 };
        futures.push({ future: id, nonce, generation: null });
        const future = {
          id,
          nonce,
          generation: 'futures' as const,
          draft: {
            room: '!abcdefghijklmnopqr:example.org',
            sender: owner,
            type: 'org.matrix.msc3401.call.member',
            stateKey: withState ? `_${owner}_DEVICE${j}` : null,
            content: { memberships: [], body: 'some text here' },
            extras: {},
          },
          action: null,
          timeout: 30_000_000 + (j % 1000),
          deadline: Math.ceil(world.now + 30_000_000 + (j % 1000)),
          fence: { kind: 'untold' as const },
          stateOrder: world.stateOrder,
          since: world.now,
          status: 'scheduled' as const,
          outcome: null,
        };
        world.usage.pending;
        return {
          next: {
            id: world.newGroupId(),
            owner,
            name: `group-${j}-abcdefghijkl`,
            phase: 'open' as const,
            epoch: 0,
            claim: null,
            sendNow: null,
            futures: [future],
            endedAt: null,
          },
          remember:
            process.argv[6] === 'notxn'
              ? undefined
              : {
                  scope: `scope ${j}`,
                  at: world.now,
                  groupName: `group-${j}`,
                  futures: [{ id, action: null }],
                  sendNow: null,
                },
          answer: 0,
        };
      }),
    );
  }
  await Promise.all(all);
}
let ms = performance.now() - s;
let u = process.cpuUsage(c);
console.log(
  `schedule: ${((N / ms) * 1000).toFixed(0)}/s, cpu ${((u.user + u.system) / N).toFixed(1)} us each; rss +${(((rss() - r0) * 1e6) / N).toFixed(0)} B each (incl. bench's own)`,
);
const bench = async (n: number, batch: number, one: boolean) => {
  s = performance.now();
  c = process.cpuUsage();
  for (let i = 0; i < n; i += batch) {
    let p: Promise<unknown> | undefined;
    for (let j = 0; j < batch; j++) p = store.refresh([futures[(Math.imul(i + j, 7919) >>> 0) % N]!]);
    await p;
  }
  ms = performance.now() - s;
  u = process.cpuUsage(c);
  console.log(
    `refresh batch ${batch}: ${((n / ms) * 1000).toFixed(0)}/s, cpu ${((u.user + u.system) / n).toFixed(2)} us each`,
  );
};
await bench(200000, 64, true);
await bench(500000, 64, true);
await bench(500000, 256, true);
await bench(1000000, 1000, true);
database.close();
s = performance.now();
c = process.cpuUsage();
database = openDatabase({ path, timers });
store = new SqliteStore({ database, clock, retention });
u = process.cpuUsage(c);
console.log(
  `open with ${N}: ${(performance.now() - s).toFixed(0)} ms, cpu ${((u.user + u.system) / 1000).toFixed(0)} ms`,
);
// fire
clock.now = () => 1.8e12;
s = performance.now();
c = process.cpuUsage();
let fired = 0;
const M = Math.min(N, 100000);
while (fired < M) {
  const a = await store.changeDue(64, (group, due, world) => ({
    next: {
      ...group,
      phase: 'sent',
      endedAt: world.now,
      futures: group.futures.map((f) => ({
        ...f,
        status: 'finished',
        outcome: { kind: 'sent', at: world.now, event: '$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrs' },
      })),
    },
    answer: 0,
  }));
  fired += a.length;
  if (a.length === 0 && (store.nextDue() ?? Infinity) > clock.now()) break;
}
ms = performance.now() - s;
u = process.cpuUsage(c);
console.log(
  `fire ${fired}: ${((fired / ms) * 1000).toFixed(0)}/s cpu ${((u.user + u.system) / fired).toFixed(1)} us each`,
);
database.close();
for (const f of [path]) console.log(f, (fs.statSync(f).size / N).toFixed(0), 'bytes on disk each');
