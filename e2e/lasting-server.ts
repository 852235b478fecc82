import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

/** A server that can be ended and started again with the same data, at the same address. */
export class LastingServer implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #flags: readonly string[];
  readonly url: string;
  #process: ServerProcess;

  private constructor(dataDir: string, flags: readonly string[], process: ServerProcess) {
    this.#dataDir = dataDir;
    this.#flags = flags;
    this.url = process.url;
    this.#process = process;
  }

  /** @param given flags of `serve`, all but `--listen`: its port is one that nobody else is given */
  static async start(given: readonly string[]): Promise<LastingServer> {
    const dataDir = await mkdtemp(join(tmpdir(), 'lasting-'));
    const flags = [...given, '--listen', `127.0.0.1:${await freePort()}`];
    return new LastingServer(dataDir, flags, await startServerProcess({ dataDir, flags }));
  }

  /** of the process that runs now */
  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves when the process is gone. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    await this.#process.stop(signal);
  }

  async startAgain(): Promise<void> {
    this.#process = await startServerProcess({ dataDir: this.#dataDir, flags: this.#flags });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}
