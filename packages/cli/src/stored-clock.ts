import type { Clock, Ms, Timers } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import { ServerTime, type Anchor, type Machine } from './server-time.ts';

const migrations = [
  {
    version: 1,
    sql: `
      CREATE TABLE clock_anchor (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        server REAL NOT NULL,
        boot TEXT,
        running REAL NOT NULL,
        suspended_at_least REAL NOT NULL,
        suspended_at_most REAL NOT NULL,
        wall REAL NOT NULL
      ) STRICT;
    `,
  },
];

interface AnchorRow {
  readonly server: number;
  readonly boot: string | null;
  readonly running: number;
  readonly suspended_at_least: number;
  readonly suspended_at_most: number;
  readonly wall: number;
}

/**
 * How old the stored anchor may be at a commit. What the anchor is for does not need more: within a boot any anchor of
 * that boot gives the same time, and after a reboot an anchor that is older by this much is wrong only where the wall
 * clock went backwards meanwhile, and then makes timers that much late, never early. To write it takes 13 µs: once a
 * second of activity that is nothing, in every commit it would be 4 % of it.
 */
const freshEnough: Ms = 1_000;

/** How often an idle server looks whether somebody set the wall clock: the stored anchor must know before a reboot. */
const lookEvery: Ms = 10_000;

export interface StoredClock extends Clock {
  /** Ends the looking; the clock itself goes on. */
  stop(): void;
}

/** The clock of one database: server time that goes on over restarts and reboots, see `server-time.ts`. */
export function openClock(database: Database, machine: Machine, timers: Timers): StoredClock {
  database.migrate('clock', migrations);
  const write = database.prepare<[number, string | null, number, number, number, number], never>(
    'INSERT OR REPLACE INTO clock_anchor VALUES (0, ?, ?, ?, ?, ?, ?)',
  );
  let stored = readAnchor(database);
  const time = new ServerTime(machine, stored);

  const save = (): void => {
    const anchor = time.anchor();
    const { server, boot, running, suspendedAtLeast, suspendedAtMost, wall } = anchor;
    write.run(server, boot, running, suspendedAtLeast, suspendedAtMost, wall);
    stored = anchor;
  };
  database.turn.withChanges(() => {
    if (stored === null || time.now() - stored.server >= freshEnough) save();
  });

  const look = (): void => {
    cancel = timers.after(lookEvery, look);
    if (stored === null) return;
    const moved = machine.wall() - time.now() - (stored.wall - stored.server);
    // Lost with its turn (a full disk), it is written with a later change or look.
    if (Math.abs(moved) > freshEnough) database.turn.unit(save).catch(() => {});
  };
  let cancel = timers.after(lookEvery, look);

  return { now: () => time.now(), wall: () => machine.wall(), stop: () => cancel() };
}

function readAnchor(database: Database): Anchor | null {
  const row = database.prepare<[], AnchorRow>('SELECT * FROM clock_anchor').get();
  if (row === undefined) return null;
  const { server, boot, running, wall } = row;
  return {
    server,
    boot,
    running,
    suspendedAtLeast: row.suspended_at_least,
    suspendedAtMost: row.suspended_at_most,
    wall,
  };
}
