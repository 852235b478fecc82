import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { ensureInstalled, type ProxyName, searchPath } from './install.ts';

const main = join(import.meta.dirname, '../../packages/cli/src/main.ts');

export interface ProxyOptions {
  readonly front: 'paths' | 'all';
  readonly gateway: string;
  readonly homeserver: string;
}

/** A real proxy with the rules that the command prints, and as little around them as it takes to run. */
export interface ProxyProcess extends AsyncDisposable {
  readonly url: string;
  /** everything that it has written: output and logs */
  logged(): string;
}

export async function startProxy(proxy: ProxyName, options: ProxyOptions): Promise<ProxyProcess> {
  ensureInstalled(proxy);
  await using opened = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), `${proxy}-`));
  opened.defer(() => rmSync(directory, { recursive: true }));
  const port = await freePort();
  const rules = execFileSync(process.execPath, [
    ...[main, 'proxy-config', proxy, '--front', options.front],
    ...['--gateway', options.gateway, '--homeserver', options.homeserver],
  ]).toString();
  const { file, text, check, start } = set[proxy](directory, rules, port);
  const path = join(directory, file);
  writeFileSync(path, text);
  const env = { PATH: searchPath, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
  execFileSync(proxy, check(path), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const child = spawn(proxy, start(path), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  opened.defer(() => end(child));
  const output: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  await answering(port, child, output);
  const running = opened.move();
  return {
    url: `http://127.0.0.1:${port}`,
    logged: () =>
      output.join('') +
      readdirSync(directory)
        .filter((name) => name.endsWith('.log'))
        .map((name) => readFileSync(join(directory, name), 'utf8'))
        .join(''),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

interface SetUp {
  readonly file: string;
  readonly text: string;
  readonly check: (path: string) => string[];
  readonly start: (path: string) => string[];
}

/** What whoever runs the proxy would write around the rules, or in the places that they leave open. */
const set: Readonly<Record<ProxyName, (directory: string, rules: string, port: number) => SetUp>> = {
  nginx: (directory, rules, port) => {
    mkdirSync(join(directory, 'cache'));
    const own = rules
      .replace(/^ *# Your own lines: listen.*$/m, `listen 127.0.0.1:${port};`)
      .replaceAll('/var/log/nginx', directory)
      .replaceAll('/var/cache/nginx', join(directory, 'cache'));
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${directory}/${name};`)
      .join('\n');
    const flags = (path: string) => ['-p', directory, '-c', path, '-e', join(directory, 'start.log')];
    return {
      file: 'nginx.conf',
      text: `user root;\ndaemon off;\npid ${directory}/pid;\nevents {}\nhttp {\n${temporary}\n${own}\n}\n`,
      check: (path) => ['-t', ...flags(path)],
      start: flags,
    };
  },
  haproxy: (_directory, rules, port) => ({
    file: 'haproxy.cfg',
    text: rules
      .replace(/^ *# Your own line: bind.*$/m, `    bind 127.0.0.1:${port}`)
      .replaceAll('/dev/log', 'stdout format raw'),
    check: (path) => ['-c', '-f', path],
    start: (path) => ['-db', '-f', path],
  }),
  caddy: (directory, rules, port) => ({
    file: 'Caddyfile',
    text: `{\n\tadmin off\n}\n${rules
      .replace(/^localhost \{$/m, `http://:${port} {\n\tbind 127.0.0.1`)
      .replaceAll('/var/log/caddy', directory)}`,
    check: (path) => ['validate', '--adapter', 'caddyfile', '--config', path],
    start: (path) => ['run', '--adapter', 'caddyfile', '--config', path],
  }),
};

async function answering(port: number, child: ChildProcess, output: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 1_200; attempt++) {
    if (child.exitCode !== null) throw new Error(`the proxy ended: ${output.join('')}`);
    const answered = await new Promise((resolve) => {
      request({ port, host: '127.0.0.1', path: '/' }, (response) => resolve(response.resume()))
        .on('error', () => resolve(null))
        .end();
    });
    if (answered !== null) return;
    await setTimeout(50);
  }
  throw new Error(`the proxy does not answer: ${output.join('')}`);
}
