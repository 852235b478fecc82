import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Orders, Report } from './member.ts';

/** A member of a call in a process of its own; killed when the test ends. */
export class MemberProcess implements AsyncDisposable {
  readonly userId: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, { login }: Orders) {
    this.#child = child;
    this.userId = login.userId;
  }

  /** Resolves when the member sees itself in the call. */
  static async join(orders: Orders): Promise<MemberProcess> {
    const child = fork(join(import.meta.dirname, 'member.ts'), { execArgv: [], stdio: 'inherit' });
    const member = new MemberProcess(child, orders);
    child.send(orders);
    await member.#report('in');
    return member;
  }

  /** Leaves the call as one who hangs up does. */
  async leave(): Promise<void> {
    this.#child.send('leave');
    await this.#report('out');
  }

  /** Stands still, like a laptop that was closed. */
  sleep(): void {
    this.#child.kill('SIGSTOP');
  }

  wake(): void {
    this.#child.kill('SIGCONT');
  }

  /** `kill -9`, and waits until it is dead. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  async #report(expected: Report): Promise<void> {
    const ended = once(this.#child, 'exit').then(() => 'ended');
    const [said] = await Promise.race([once(this.#child, 'message'), ended.then((word) => [word])]);
    if (said !== expected) throw new Error(`the member did not say "${expected}" but "${String(said)}"`);
  }
}
