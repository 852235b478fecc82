/**
 * Server time: starts at the wall clock, and from then on moves forward at the speed of real time, whatever is done to
 * the wall clock. Never early means that it never runs ahead of real time; it may fall behind where nothing can tell
 * how much time passed.
 *
 * | between an anchor and a reading | what passed                                                                      |
 * | ------------------------------- | -------------------------------------------------------------------------------- |
 * | same boot of the machine        | its running time and what it was surely suspended, also over restarts of the server |
 * | another boot                    | what the wall clock says, if that is not negative                                |
 *
 * So a wall clock that is set while the machine runs does nothing, forwards or backwards, not even at the next boot,
 * because the anchor keeps the wall clock beside server time. (The larger of anchor and wall clock, the simpler rule,
 * would fire early there: a machine that boots in 1970, is set to the right year, and boots again.) A wall clock that
 * is set wrongly while the machine is off cannot be noticed.
 */
import type { Instant, Ms } from '@matrix-futures/engine';

/** What the machine's clocks say at one moment, all in milliseconds. */
export interface Reading {
  /** names this boot of the machine; null where the system does not tell, then only the wall clock bridges a restart */
  readonly boot: string | null;
  /** since boot, precise, stands still while the machine is suspended */
  readonly running: Ms;
  /** bounds of how long the machine has been suspended since boot: the system only tells it coarsely */
  readonly suspendedAtLeast: Ms;
  readonly suspendedAtMost: Ms;
  /** since 1970, by the wall clock */
  readonly wall: number;
}

/** Server time at one moment, and what the clocks said then. */
export interface Anchor extends Reading {
  readonly server: Instant;
}

/** Server time at `reading`, by an earlier anchor; the wall clock's where there is none. */
export function serverTimeAt(anchor: Anchor | null, reading: Reading): Instant {
  if (anchor === null) return reading.wall;
  // A container can see an uptime of its own, which starts over while the boot keeps its name.
  const sameBoot = anchor.boot !== null && anchor.boot === reading.boot && reading.running >= anchor.running;
  if (!sameBoot) return anchor.server + Math.max(0, reading.wall - anchor.wall);
  const suspended = Math.max(0, reading.suspendedAtLeast - anchor.suspendedAtMost);
  return anchor.server + (reading.running - anchor.running) + suspended;
}

export interface Machine {
  /** Everything at once: some microseconds. */
  read(): Reading;
  /** Only `Reading.running`: some nanoseconds. */
  running(): Ms;
  /** Only `Reading.wall`. */
  wall(): number;
}

/** How often, by running time, suspension is looked for: it costs a read of a file of the system. */
const lookEvery: Ms = 1_000;

/** Server time while the process runs. */
export class ServerTime {
  readonly #machine: Machine;
  #anchor: Anchor;

  /** @param stored the last anchor that was made durable, null in a new database */
  constructor(machine: Machine, stored: Anchor | null) {
    this.#machine = machine;
    const reading = machine.read();
    this.#anchor = { ...reading, server: serverTimeAt(stored, reading) };
  }

  now(): Instant {
    const passed = this.#machine.running() - this.#anchor.running;
    return passed < lookEvery ? this.#anchor.server + passed : this.anchor().server;
  }

  /** A new anchor, for now. */
  anchor(): Anchor {
    const reading = this.#machine.read();
    const server = serverTimeAt(this.#anchor, reading);
    // The bounds on suspension do not meet, so every new anchor forgets up to their distance: keep the lowest upper
    // bound until a suspension is certain, or short suspensions would never be seen.
    const suspended = reading.suspendedAtLeast > this.#anchor.suspendedAtMost;
    const suspendedAtMost = suspended
      ? reading.suspendedAtMost
      : Math.min(reading.suspendedAtMost, this.#anchor.suspendedAtMost);
    this.#anchor = { ...reading, suspendedAtMost, server };
    return this.#anchor;
  }
}
