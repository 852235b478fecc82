import { closest } from 'fastest-levenshtein';
import { ConfigError } from './config/sources.ts';
import { describeFlags } from './flags.ts';
import { explainStartError } from './start-error.ts';

interface Command {
  readonly does: string;
  /** its flags, for the help */
  readonly help?: () => Promise<string>;
  /** Resolves with the exit code. */
  readonly run: (argv: readonly string[]) => Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  serve: {
    does: 'runs the server',
    run: async (argv) => (await import('./serve.ts')).serve(argv),
  },
  demo: {
    does: 'tells, with a server of its own, how a call learns that a dead client has left',
    run: async () => (await import('./demo/demo.ts')).demo(),
  },
  registration: {
    does: 'makes the two registrations by which a homeserver knows the gateway',
    help: async () => describeFlags((await import('./registration/registration.ts')).registrationFlags),
    run: async (argv) => (await import('./registration/registration.ts')).registration(argv),
  },
  'proxy-config': {
    does: 'prints the rules for nginx, caddy, traefik or haproxy in front of gateway and homeserver',
    help: async () => describeFlags((await import('./proxy-config/proxy-config.ts')).proxyConfigFlags),
    run: async (argv) => (await import('./proxy-config/proxy-config.ts')).proxyConfig(argv),
  },
  doctor: {
    does: 'looks at a running gateway and all around it, and says what to change',
    help: async () => describeFlags((await import('./doctor/doctor.ts')).doctorFlags),
    run: async (argv) => (await import('./doctor/doctor.ts')).doctor(argv),
  },
};

/**
 * `matrix-futures COMMAND [FLAG…]`. What is wrong with how it was called, or with where it is to run, is one line on
 * standard error and exit code 1.
 */
export async function runCommand(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  try {
    if (name === undefined || argv.includes('--help') || argv.includes('-h')) {
      process.stdout.write(await help());
      return 0;
    }
    return await commandOf(name).run(rest);
  } catch (error) {
    const line = explainStartError(error);
    if (line === null) throw error;
    process.stderr.write(`matrix-futures: ${line}\n`);
    return 1;
  }
}

function commandOf(name: string): Command {
  const command = commands[name];
  if (command !== undefined) return command;
  throw new ConfigError(
    `There is no command ${name}; the nearest is ${closest(name, Object.keys(commands))}`,
  );
}

async function help(): Promise<string> {
  const { describeSettings } = await import('./config/settings.ts');
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
  const list = Object.entries(commands).map(([name, { does }]) => `  ${name.padEnd(width)}${does}`);
  const flags = await Promise.all(
    Object.entries(commands).map(async ([name, command]) =>
      command.help === undefined ? '' : `\nFlags of ${name}:\n\n${await command.help()}\n`,
    ),
  );
  return `matrix-futures COMMAND [FLAG…]

${list.join('\n')}

Flags of serve, with their fallbacks. Each is also an environment variable (MATRIX_FUTURES_DATA_DIR for --data-dir) and a
key of the file; a flag wins over a variable, a variable over the file.

${describeSettings()}
${flags.join('')}`;
}
