/**
 * The gateway against its upstream, in one run: what a request that passes through takes longer than a direct one, and how
 * long after its deadline an event is accepted, against a plain send to the same upstream.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { freePort } from '../e2e/free-port.ts';
import { call, createRoom, register, type Account } from './client.ts';
import type { Pace } from './pace.ts';
import { futuresServer, startFutures, startServer } from './process.ts';
import { figure, whole, type Figure } from './report.ts';

export async function gateway(directory: string, pace: Pace): Promise<Figure[]> {
  // The upstream has to be told the gateway's address before the gateway listens.
  const port = await freePort();
  const registration = join(directory, 'registration');
  writeRegistration(registration, port);
  await using upstream = await startFutures(join(directory, 'upstream'), '--app-services', registration);
  await using front = await startServer(
    futuresServer,
    'serve',
    ...['--listen', `127.0.0.1:${port}`, '--data-dir', join(directory, 'gateway'), '--rate-limits', 'off'],
    ...['--upstream', upstream.url, '--registration', registration, '--front', 'all', '--log-level', 'info'],
  );
  const alice = await register(upstream.url, 'alice');
  const room = await createRoom(alice, null);
  const passing = [
    await compare('read state', alice, front.url, pace, () => ({
      method: 'GET',
      path: `/_matrix/client/v3/rooms/${room}/state/m.room.create`,
    })),
    await compare('send a message', alice, front.url, pace, (number) => ({
      method: 'PUT',
      path: `/_matrix/client/v3/rooms/${room}/send/m.room.message/pass-${number}`,
      body: JSON.stringify({ msgtype: 'm.text', body: 'passing through' }),
    })),
  ];
  const sends = passing[1]?.direct ?? [];
  const rooms = await Promise.all(Array.from({ length: 16 }, () => createRoom(alice, null)));
  const fired = await fire({ ...alice, url: front.url }, rooms, pace);
  const log = await front.stop();
  return [...passing.map(({ figure: one }) => one), latenessFigure(fired, log, sends)];
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

interface Compared {
  readonly figure: Figure;
  /** ms of each direct request, in order of size */
  readonly direct: readonly number[];
}

/** Rounds of the same requests, directly and through the gateway in turn, one after the other on one connection each. */
async function compare(
  name: string,
  account: Account,
  frontUrl: string,
  pace: Pace,
  ask: (number: number) => Asked,
): Promise<Compared> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: Record<'direct' | 'through', number[]> = { direct: [], through: [] };
  const perRound = pace.fires;
  let number = 0;
  for (let round = -1; round < 2 * pace.rounds; round += 1) {
    for (const way of ['direct', 'through'] as const) {
      const url = way === 'direct' ? account.url : frontUrl;
      for (let index = 0; index < perRound; index += 1) {
        const took = await timed(agent, { ...account, url }, ask((number += 1)));
        // the first round only warms up
        if (round >= 0) times[way].push(took);
      }
    }
  }
  agent.destroy();
  const direct = times.direct.sort((a, b) => a - b);
  const through = times.through.sort((a, b) => a - b);
  const added = (share: number): number => at(through, share) - at(direct, share);
  const value =
    `p50 ${at(direct, 0.5).toFixed(2)} ms direct, ${at(through, 0.5).toFixed(2)} ms through: ${added(0.5).toFixed(2)} ms added; ` +
    `p99 ${at(direct, 0.99).toFixed(2)} ms direct, ${at(through, 0.99).toFixed(2)} ms through: ${added(0.99).toFixed(2)} ms added`;
  return {
    direct,
    figure: figure(
      `gateway, ${name}, ${whole(direct.length)} requests each`,
      value,
      '≤ 1 ms added at p50',
      added(0.5) <= 1,
    ),
  };
}

async function timed(agent: Agent, { url, token }: Account, { method, path, body }: Asked): Promise<number> {
  const began = performance.now();
  const sent = request(url + path, {
    agent,
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }),
    },
  });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  answer.resume();
  await once(answer, 'end');
  if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode}`);
  return performance.now() - began;
}

/** Schedules state events, each due on its own (a room takes one after the other), and waits until all were sent. */
async function fire(account: Account, rooms: readonly string[], pace: Pace): Promise<number> {
  const path = (index: number, delay: number): string =>
    `/_matrix/client/v3/rooms/${rooms[index % rooms.length]}/state/org.example.member/k${index}?org.matrix.msc4140.delay=${delay}`;
  await Promise.all(
    Array.from({ length: pace.fires }, (_, index) =>
      call(account, 'PUT', path(index, 2_000 + index * 20), { left: true }),
    ),
  );
  for (;;) {
    const left = await call(account, 'GET', '/_matrix/client/unstable/org.matrix.msc4140/delayed_events');
    const scheduled = left['delayed_events'] ?? left['scheduled'];
    if (Array.isArray(scheduled) && scheduled.length === 0) return pace.fires;
    await new Promise((resolve) => void setTimeout(resolve, 100));
  }
}

function latenessFigure(fired: number, log: string, sends: readonly number[]): Figure {
  const line = log.split('\n').findLast((one) => one.includes('"lateness"'));
  const name = `gateway, ${whole(fired)} state events, from the deadline to the upstream's acceptance`;
  if (line === undefined) return figure(name, 'not logged');
  const { lateness } = JSON.parse(line);
  const [p50, p99] = [at(sends, 0.5), at(sends, 0.99)];
  return figure(
    name,
    `p50 ${lateness.p50} ms (a plain send ${p50.toFixed(2)}), p99 ${lateness.p99} ms (a plain send ${p99.toFixed(2)}), worst ${lateness.max} ms`,
    'p50 ≤ a plain send + 2 ms',
    lateness.p50 <= p50 + 2,
  );
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

function writeRegistration(directory: string, port: number): void {
  const flags = ['--server-name', 'localhost', '--listener', `http://127.0.0.1:${port}`, '--out', directory];
  const { status, stderr } = spawnSync(process.execPath, [futuresServer, 'registration', ...flags], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}
