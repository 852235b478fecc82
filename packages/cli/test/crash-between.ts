/** `crash-between.ts DATA_DIR fire ROOM USER | send TOKEN | state ROOM USER`: a server that is killed in the middle of one unit. */
import type { Draft, JsonObject } from '@matrix-futures/engine';
import { openWired } from './wired.ts';

const [dataDir = '', what, ...rest] = process.argv.slice(2);

const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

const { database, futures, homeserver } = await openWired(
  dataDir,
  what === 'state' ? { stateAndAnswer: die } : { eventAndOutcome: die },
);
const draftOf = (stateKey: string | null, type: string, content: JsonObject): Draft => {
  const [room = '', sender = ''] = rest;
  return { room, sender, type, stateKey, content, extras: {} };
};
if (what === 'fire') {
  await futures.start();
  await futures.schedule({
    owner: rest[1] ?? '',
    generation: 'futures',
    draft: draftOf(null, 'm.room.message', { body: 'later', msgtype: 'm.text' }),
    timeout: 50,
    groupName: null,
    scope: null,
  });
} else if (what === 'send') {
  await futures.use(rest[0] ?? '');
} else {
  await database.turn.unit(() => homeserver.append(draftOf('a', 'com.example.member', { plain: true }), 0));
}
