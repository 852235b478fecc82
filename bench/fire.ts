/** Lateness: from a deadline to the room, and to another client's sync, while refreshes come in. */
import { call, createRoom, register, scheduleMany, text, type Account } from './client.ts';
import { measure } from './load.ts';
import type { Pace } from './pace.ts';
import { startFutures } from './process.ts';
import { figure, whole, type Figure } from './report.ts';

/** The delay parameter's event carries its deadline in `origin_server_ts`, so that its lateness can be seen outside. */
const delayed = (room: string, txn: string, delay: number): string =>
  `/_matrix/client/v3/rooms/${room}/send/m.room.message/${txn}?org.matrix.msc4140.delay=${delay}`;

export async function fire(dataDir: string, pace: Pace, refreshesPerSecond: number): Promise<Figure[]> {
  const ours = await startFutures(dataDir, '--log-level', 'info');
  const alice = await register(ours.url, 'alice');
  const bob = await register(ours.url, 'bob');
  const room = await createRoom(alice, bob);
  const tokens = await scheduleMany(alice, room, pace.tokens, 3_600_000);
  const span = Math.max(2_000, pace.fires * 10);
  const rate = refreshesPerSecond * 0.6;
  const load = measure({
    url: ours.url,
    connections: 64,
    seconds: span / 1000 + 4,
    method: 'PUT',
    paths: tokens.map((token) => `/_matrix/client/v3/futures/${token}`),
    accessToken: null,
    body: null,
    rate,
  });
  const seen = watch(bob, pace.fires);
  await Promise.all(
    Array.from({ length: pace.fires }, (_, index) =>
      call(alice, 'PUT', delayed(room, `fire-${index}`, 3_000 + Math.floor((index * span) / pace.fires)), {
        msgtype: 'm.text',
        body: `fired-${index}`,
      }),
    ),
  );
  const lateness = (await seen).sort((a, b) => a - b);
  const measured = await load;
  const log = await ours.stop();
  const at = (share: number): number =>
    lateness[Math.min(lateness.length - 1, Math.floor(lateness.length * share))] ?? NaN;
  const early = lateness.filter((value) => value < 0).length;
  const name = `lateness of ${whole(pace.fires)} futures at ${whole(measured.perSecond)} refreshes/s`;
  return [
    figure(
      `${name}, as another client's sync sees it`,
      `p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, worst ${at(1).toFixed(1)} ms, ${early} early`,
      'p99 ≤ 5 ms',
      at(0.99) <= 5 && early === 0,
    ),
    figure(`${name}, as the server measures it`, serverLateness(log)),
  ];
}

/** What the server logged about lateness when it stopped. */
function serverLateness(log: string): string {
  const line = log.split('\n').findLast((one) => one.includes('"lateness"'));
  if (line === undefined) return 'not logged';
  const { lateness } = JSON.parse(line);
  return `p50 ${lateness.p50} ms, p99 ${lateness.p99} ms, worst ${lateness.max} ms`;
}

/** Follows another user's sync until so many fired events have come. Answers how late each was seen, in ms. */
async function watch(account: Account, count: number): Promise<number[]> {
  const lateness: number[] = [];
  let since = text(await call(account, 'GET', '/_matrix/client/v3/sync?timeout=0'), 'next_batch');
  const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 500 } } }));
  while (lateness.length < count) {
    const answer = await call(
      account,
      'GET',
      `/_matrix/client/v3/sync?timeout=30000&since=${since}&filter=${filter}`,
    );
    const now = performance.timeOrigin + performance.now();
    since = text(answer, 'next_batch');
    for (const { body, at } of firedEvents(answer)) if (body.startsWith('fired-')) lateness.push(now - at);
  }
  return lateness;
}

/** The messages of a sync answer, as the benchmark needs them. */
function firedEvents(answer: unknown): { readonly body: string; readonly at: number }[] {
  const found: { readonly body: string; readonly at: number }[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('origin_server_ts' in value && 'content' in value) {
      const { origin_server_ts: at, content } = value;
      if (typeof at === 'number' && typeof content === 'object' && content !== null && 'body' in content)
        found.push({ body: String(content.body), at });
    } else for (const inner of Object.values(value)) visit(inner);
  };
  visit(answer);
  return found;
}
