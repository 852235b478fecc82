import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@matrix-futures/engine';
import { Type } from 'typebox';
import { parseConfig } from '../config/config.ts';
import { readSources } from '../config/sources.ts';
import { createLogger } from '../log.ts';
import { startServer } from '../server.ts';
import { machine, timers } from '../system.ts';
import { anything, request } from './client.ts';
import { Display } from './display.ts';
import { leaveAfter, membership, refreshesBeforeTheKill, type Call, type Report } from './story.ts';

const clock: Clock = { now: () => machine.running(), wall: () => machine.wall() };

const registered = Type.Object({ user_id: Type.String(), access_token: Type.String() });
const created = Type.Object({ room_id: Type.String() });
const memberEvent = Type.Object({
  type: Type.String(),
  event_id: Type.String(),
  content: Type.Record(Type.String(), Type.Unknown()),
});
const synced = Type.Object({
  next_batch: Type.String(),
  rooms: Type.Optional(
    Type.Object({
      join: Type.Optional(
        Type.Record(
          Type.String(),
          Type.Object({ timeline: Type.Object({ events: Type.Array(memberEvent) }) }),
        ),
      ),
    }),
  ),
});

/**
 * How a call learns that a dead client has left, told in the terminal with a real server, a real process and a real
 * `kill -9`, in about ten seconds.
 */
export async function demo(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'matrix-futures-demo-'));
  const flags = ['--listen', '127.0.0.1:0', '--data-dir', directory, '--open-registration'];
  const config = parseConfig(await readSources(flags, {}, async () => ({})));
  const server = await startServer(config, createLogger('fatal'));
  try {
    return await tell(server.url);
  } finally {
    await server.close();
    await rm(directory, { recursive: true });
  }
}

async function tell(url: string): Promise<number> {
  const display = new Display(process.stdout, clock, timers);
  const alice = await register(url, 'alice');
  const bob = await register(url, 'bob');
  const room = await callRoom(alice, bob);
  display.say(`A server runs on ${url}. Alice and Bob are in a room.`);

  const call: Call = { url, accessToken: bob.accessToken, room, stateKey: `_${bob.user}_PHONE` };
  const watching = watch(alice, room);
  const child = fork(new URL('member.ts', import.meta.url));
  child.send(call);

  await watching.next();
  display.say('Bob joins the call. With the same request he hands over his leave, to be sent later.');
  const lastRefresh = await refreshed(child, display);
  child.kill('SIGKILL');
  display.say("kill -9: Bob's process is gone, and says nothing any more.");
  display.note('nobody refreshes');

  const left = await watching.next();
  display.stop();
  const waited = clock.now() - lastRefresh;
  display.say(`Alice sees Bob leave: ${left.value ?? 'nothing'}`);
  display.say(
    `${(waited / 1000).toFixed(3)} s after the last refresh, which had asked for ${leaveAfter / 1000} s.`,
  );
  return waited >= leaveAfter ? 0 : 1;
}

/** Follows Bob's refreshes until it is time for the kill. Answers when the last one was asked for. */
function refreshed(child: ChildProcess, display: Display): Promise<number> {
  return new Promise((resolve) => {
    let refreshes = 0;
    child.on('message', (report: Report) => {
      if (report.did === 'joined') return display.restart('Bob is in the call');
      refreshes += 1;
      display.restart(`refresh ${refreshes}`);
      if (!process.stdout.isTTY) display.say(`Bob refreshes his leave (${refreshes}).`);
      if (refreshes === refreshesBeforeTheKill) resolve(report.asked);
    });
  });
}

/** Alice's sync: each change of a call membership in the room, as one line. */
async function* watch(alice: Account, room: string): AsyncGenerator<string, undefined> {
  let { next_batch: since } = await request(alice, 'GET', 'v3/sync?timeout=0', synced);
  for (;;) {
    const answer = await request(alice, 'GET', `v3/sync?timeout=30000&since=${since}`, synced);
    since = answer.next_batch;
    for (const event of answer.rooms?.join?.[room]?.timeline.events ?? [])
      if (event.type === membership) yield `${event.type} ${JSON.stringify(event.content)}`;
  }
}

interface Account {
  readonly url: string;
  readonly user: string;
  readonly accessToken: string;
}

async function register(url: string, username: string): Promise<Account> {
  const answer = await request({ url }, 'POST', 'v3/register', registered, {
    username,
    password: `the password of ${username}`,
    auth: { type: 'm.login.dummy' },
  });
  return { url, user: answer.user_id, accessToken: answer.access_token };
}

/** A room in which everybody may change their own call membership. */
async function callRoom(alice: Account, bob: Account): Promise<string> {
  const { room_id: room } = await request(alice, 'POST', 'v3/createRoom', created, {
    preset: 'private_chat',
    invite: [bob.user],
    power_level_content_override: { events: { [membership]: 0 } },
  });
  await request(bob, 'POST', `v3/join/${encodeURIComponent(room)}`, anything, {});
  return room;
}
