import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { ServerTime, serverTimeAt } from '../src/server-time.ts';
import type { Anchor, Machine, Reading } from '../src/server-time.ts';

const day = 86_400_000;

/** A machine whose true time is known, with clocks as Linux has them. */
class FakeMachine implements Machine {
  real = 0;
  wallOffset = 1_700_000_000_000;
  #boots = 0;
  #bootedAt = 0;
  #suspended = 0;

  pass(ms: number): void {
    this.real += ms;
  }
  suspend(ms: number): void {
    this.real += ms;
    this.#suspended += ms;
  }
  setWall(by: number): void {
    this.wallOffset += by;
  }
  reboot(off: number): void {
    this.real += off;
    this.#boots++;
    this.#bootedAt = this.real;
    this.#suspended = 0;
  }
  running(): number {
    return this.real - this.#bootedAt - this.#suspended;
  }
  wall(): number {
    return this.real + this.wallOffset;
  }
  read(): Reading {
    const uptime = Math.floor((this.real - this.#bootedAt) / 10) * 10;
    return {
      boot: `boot ${this.#boots}`,
      running: this.running(),
      suspendedAtLeast: uptime - this.running(),
      suspendedAtMost: uptime + 10 - this.running(),
      wall: this.wall(),
    };
  }
}

describe('server time while the process runs', () => {
  it('starts at the wall clock in a new database', () => {
    const machine = new FakeMachine();
    expect(new ServerTime(machine, null).now()).toBe(machine.wall());
  });

  test.each([-10 * day, -1, 1, 10 * day])('does not move when the wall clock is set by %d ms', (step) => {
    const machine = new FakeMachine();
    const time = new ServerTime(machine, null);
    const start = time.now();
    machine.setWall(step);
    expect(time.now()).toBe(start);
    machine.pass(5_000);
    expect(time.now()).toBe(start + 5_000);
  });

  it('counts a suspension, to the resolution of the uptime and never more', () => {
    const machine = new FakeMachine();
    machine.pass(12_345);
    const time = new ServerTime(machine, null);
    const start = time.now();
    machine.suspend(3_600_000);
    machine.pass(2_000);
    const counted = time.now() - start;
    expect(counted).toBeLessThanOrEqual(3_602_000);
    expect(counted).toBeGreaterThan(3_602_000 - 30);
  });
});

describe('server time over a restart', () => {
  it('goes on by the boot clock when the machine kept running, whatever the wall clock did meanwhile', () => {
    const machine = new FakeMachine();
    machine.pass(50_000);
    const anchor = new ServerTime(machine, null).anchor();
    machine.pass(7_000);
    machine.setWall(-day);
    expect(new ServerTime(machine, anchor).now()).toBe(anchor.server + 7_000);
  });

  it('goes on by the wall clock after a reboot', () => {
    const machine = new FakeMachine();
    const anchor = new ServerTime(machine, null).anchor();
    machine.reboot(60_000);
    expect(new ServerTime(machine, anchor).now()).toBe(anchor.server + 60_000);
  });

  it('stands still over a reboot with a wall clock that went backwards', () => {
    const machine = new FakeMachine();
    const anchor = new ServerTime(machine, null).anchor();
    machine.reboot(60_000);
    machine.setWall(-10 * day);
    expect(new ServerTime(machine, anchor).now()).toBe(anchor.server);
  });

  it('does not take a clock that was set right before a reboot for time that passed', () => {
    const machine = new FakeMachine();
    machine.wallOffset = 0; // boots in 1970
    const time = new ServerTime(machine, null);
    machine.setWall(1_700_000_000_000);
    machine.pass(1_000);
    const anchor = time.anchor();
    machine.reboot(60_000);
    expect(new ServerTime(machine, anchor).now()).toBe(anchor.server + 60_000);
  });

  it('goes by the wall clock where the boot has no name, or its clock started over under the same name', () => {
    const anchor: Anchor = {
      server: 500,
      boot: null,
      running: 10,
      suspendedAtLeast: 0,
      suspendedAtMost: 0,
      wall: 1_000,
    };
    const later = { ...anchor, running: 5_000, wall: 1_300 };
    expect(serverTimeAt(anchor, later)).toBe(800);
    expect(serverTimeAt({ ...anchor, boot: 'a' }, { ...later, boot: 'a', running: 5 })).toBe(800);
  });
});

type Step = readonly [kind: 'pass' | 'suspend' | 'reboot' | 'restart' | 'set' | 'ask', ms: number];

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constantFrom('pass', 'ask', 'restart'), fc.integer({ min: 0, max: 20_000 })),
  fc.tuple(fc.constant('suspend'), fc.integer({ min: 0, max: day })),
  fc.tuple(fc.constant('reboot'), fc.integer({ min: 1, max: day })),
  fc.tuple(fc.constant('set'), fc.integer({ min: -1_000 * day, max: 1_000 * day })),
);

/** Whatever happens, with the anchor as durable as a server that commits all the time keeps it. */
function run(steps: readonly Step[], look: (server: number, real: number) => void): void {
  const machine = new FakeMachine();
  let time = new ServerTime(machine, null);
  const start = { server: time.now(), real: machine.real };
  for (const [kind, ms] of steps) {
    const anchor = time.anchor();
    if (kind === 'set') machine.setWall(ms);
    else if (kind === 'suspend') machine.suspend(ms);
    else if (kind === 'reboot') machine.reboot(ms);
    else machine.pass(ms);
    if (kind === 'restart' || kind === 'reboot') time = new ServerTime(machine, anchor);
    look(time.now() - start.server, machine.real - start.real);
  }
}

test('server time never runs ahead of real time and never goes back, whatever the clocks do', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let last = 0;
      run(steps, (server, real) => {
        expect(server).toBeLessThanOrEqual(real + 1e-3);
        expect(server).toBeGreaterThanOrEqual(last);
        last = server;
      });
    }),
  );
});

test('server time keeps up with real time, but for twice the resolution of the uptime a suspension or start', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const losses = steps.filter(([kind]) => kind !== 'pass' && kind !== 'set').length;
      let behind = 0;
      run([...steps, ['pass', 1_001]], (server, real) => {
        behind = real - server;
      });
      expect(behind).toBeLessThanOrEqual(losses * 20 + 1e-3);
    }),
  );
});
