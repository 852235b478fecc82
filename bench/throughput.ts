/** Refresh, schedule and plain send: requests a second, in turn with the bare server, in the same run. */
import { createRoom, register, scheduleMany } from './client.ts';
import { measure, type Load } from './load.ts';
import { bareServer, startFutures, startServer } from './process.ts';
import { figure, median, whole, type Figure } from './report.ts';
import type { Pace } from './pace.ts';

export interface Compared {
  readonly figures: readonly Figure[];
  /** requests a second of ours, median of the rounds */
  readonly perSecond: number;
}

/** Rounds of the same load, first the bare server, then ours. */
async function compare(
  name: string,
  load: Omit<Load, 'url' | 'seconds' | 'rate'>,
  urls: { readonly bare: string; readonly ours: string },
  pace: Pace,
  target: { readonly ratio: number } | { readonly perSecond: number },
): Promise<Compared> {
  const bare: number[] = [];
  const ours: number[] = [];
  const p99: number[] = [];
  let failed = 0;
  for (let round = 0; round < pace.rounds; round += 1) {
    bare.push((await measure({ ...load, url: urls.bare, seconds: pace.seconds, rate: null })).perSecond);
    const measured = await measure({
      ...load,
      paths: load.paths.map((path) => path.replace('{r}', String(round))),
      url: urls.ours,
      seconds: pace.seconds,
      rate: null,
    });
    ours.push(measured.perSecond);
    p99.push(measured.p99);
    failed += measured.failed;
  }
  const perSecond = median(ours);
  const ratio = median(ours.map((value, round) => value / (bare[round] ?? NaN)));
  const met = 'ratio' in target ? ratio >= target.ratio : perSecond >= target.perSecond;
  const wanted = 'ratio' in target ? `≥ ${target.ratio} of bare` : `≥ ${whole(target.perSecond)}/s`;
  const value =
    `${whole(perSecond)}/s, ${ratio.toFixed(2)} of bare (${whole(median(bare))}/s), p99 ${median(p99).toFixed(1)} ms` +
    (failed > 0 ? `, ${failed} FAILED` : '');
  return { figures: [figure(name, value, wanted, met && failed === 0)], perSecond };
}

export async function throughput(dataDir: string, pace: Pace): Promise<Compared> {
  await using bare = await startServer(bareServer);
  await using ours = await startFutures(dataDir);
  const urls = { bare: bare.url, ours: ours.url };
  const alice = await register(ours.url, 'alice');
  const rooms = await Promise.all(Array.from({ length: 8 }, () => createRoom(alice, null)));
  const room = rooms[0] ?? '';
  const tokens = await scheduleMany(alice, room, pace.tokens, 3_600_000);
  const refresh = {
    method: 'PUT',
    paths: tokens.map((token) => `/_matrix/client/v3/futures/${token}`),
    accessToken: null,
    body: null,
  } as const;
  const at64 = await compare('refresh, 64 connections', { ...refresh, connections: 64 }, urls, pace, {
    ratio: 0.7,
  });
  const at256 = await compare('refresh, 256 connections', { ...refresh, connections: 256 }, urls, pace, {
    ratio: 0.95,
  });
  const body = JSON.stringify({ msgtype: 'm.text', body: 'a message of a usual length, forty-odd bytes' });
  const schedule = await compare(
    'schedule, 64 connections',
    {
      method: 'PUT',
      paths: [`/_matrix/client/v3/rooms/${room}/send_future/m.room.message/s{r}-{n}?future_timeout=3600000`],
      accessToken: alice.token,
      body,
      connections: 64,
    },
    urls,
    pace,
    { perSecond: 5_000 },
  );
  const send = await compare(
    'plain send, 64 connections, 8 rooms',
    {
      method: 'PUT',
      paths: rooms.map((id) => `/_matrix/client/v3/rooms/${id}/send/m.room.message/p{r}-{n}`),
      accessToken: alice.token,
      body,
      connections: 64,
    },
    urls,
    pace,
    { perSecond: 2_000 },
  );
  return {
    figures: [...at64.figures, ...at256.figures, ...schedule.figures, ...send.figures],
    perSecond: at64.perSecond,
  };
}
