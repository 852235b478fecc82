import { readFile } from 'node:fs/promises';
import { type Config, parseConfig } from './config/config.ts';
import { readSources } from './config/sources.ts';
import { createLogger } from './log.ts';
import { startServer } from './server.ts';
import { machine } from './system.ts';

/**
 * A second signal within this time is the same one: for Ctrl-C, the terminal signals every process in the foreground,
 * and npm and the launcher each pass theirs on.
 */
const sameSignal = 1_000;

/** Runs the server until a signal ends it. */
export async function serve(argv: readonly string[]): Promise<number> {
  const config = parseConfig(await readSources(argv, process.env, parseFile));
  const logger = createLogger(config.logLevel);
  // A defect nobody handled: memory may no longer match the disk, and the next start reads everything back.
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'an error that nothing handled: the server ends');
    process.exit(1);
  });
  const signalled = firstSignal();
  const server = await startServer(config, logger);
  process.stdout.write(`matrix-futures ready on ${server.url} (${homeOf(config)})\n`);
  await signalled;
  await server.close();
  // Timers and connections of parts that hang must not hold a process that has committed everything.
  process.exit(0);
}

function homeOf({ gateway, serverName }: Config): string {
  return gateway === null ? `server name ${serverName}` : `in front of ${gateway.upstream}`;
}

async function parseFile(path: string): Promise<unknown> {
  const [{ parse }, text] = await Promise.all([import('yaml'), readFile(path, 'utf8')]);
  return parse(text);
}

/** Resolves at the first signal, also one that came while the server was starting; a second ends the process at once. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | null = null;
    const arrived = (): void => {
      if (first === null) {
        first = machine.running();
        resolve();
      } else if (machine.running() - first > sameSignal) {
        process.exit(1);
      }
    };
    process.on('SIGTERM', arrived);
    process.on('SIGINT', arrived);
  });
}
