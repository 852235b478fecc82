/** The one file that asks the machine for time, timers and randomness: everything else is handed what it needs. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Cancel, Ms, Randomness, Timers } from '@matrix-futures/engine';
import type { Machine } from './server-time.ts';

/** Linux tells its uptime, suspension included, in hundredths of a second. */
const uptimeResolution: Ms = 10;

/** Node's `performance.now` counts from the start of the process, the system's monotonic clock from boot. */
const started: Ms = Number(process.hrtime.bigint()) / 1e6 - performance.now();

const running = (): Ms => started + performance.now();

/**
 * Elsewhere than on Linux nothing reliable counts suspension or names the boot (macOS derives its uptime from the wall
 * clock): server time then stands still while the machine sleeps.
 */
function readBoot(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return null;
  }
}

const boot = readBoot();

export const machine: Machine = {
  read() {
    if (boot === null) {
      return { boot, running: running(), suspendedAtLeast: 0, suspendedAtMost: 0, wall: Date.now() };
    }
    // A pause of this process between the three widens the bounds, and never makes them wrong.
    const before = running();
    const up = uptime() * 1_000;
    const after = running();
    return {
      boot,
      running: after,
      suspendedAtLeast: up - after,
      suspendedAtMost: up + uptimeResolution - before,
      wall: Date.now(),
    };
  },
  running,
  wall: () => Date.now(),
};

/**
 * The longest sleep of a timer. `setTimeout` cannot wait longer than 24.8 days, and does not count suspension: after a
 * long one a timer is up to this much late.
 */
const longestSleep: Ms = 10_000;

/** Since boot, suspensions included. */
function sinceBoot(): Ms {
  const reading = machine.read();
  return reading.running + reading.suspendedAtLeast;
}

function sleepUntil(end: Ms, run: () => void): Cancel {
  let cancel: Cancel;
  const wake = (): void => {
    const left = end - sinceBoot();
    if (left <= 0) run();
    else cancel = sleep(Math.min(left, longestSleep), wake);
  };
  cancel = sleep(longestSleep, wake);
  return () => cancel();
}

/**
 * Shorter timers are not worth asking for the uptime (10 µs, and every request with a body sets one of 30 s): a
 * suspension in between makes them up to this much late.
 */
const shortTimer: Ms = 60_000;

function sleep(delay: Ms, run: () => void): Cancel {
  const timer = setTimeout(run, Math.ceil(delay));
  return () => clearTimeout(timer);
}

export const timers: Timers = {
  after: (delay, run) => (delay > shortTimer ? sleepUntil(sinceBoot() + delay, run) : sleep(delay, run)),
  soon(run) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};

export const randomness: Randomness = { bytes: (length) => randomBytes(length) };

/** Counts what it is given; it reads no clock, though it comes from the module that does. */
export { createHistogram } from 'node:perf_hooks';
