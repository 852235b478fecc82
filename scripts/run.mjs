// Runs a script of this repository under the Node it pins, after installing what is missing:
//
//   node scripts/run.mjs SCRIPT [ARGUMENT…]
//
// Plain JavaScript without dependencies, because it runs before anything is installed, under whatever Node (20 or
// later) the machine has. When nothing is to be installed it costs the start of that Node and two small file reads.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const installing = join(root, '.installing');
/** After so long an installation is taken for dead even if a process of its number is alive. */
const installLimitMs = 10 * 60_000;

const read = (file) => JSON.parse(readFileSync(join(root, file), 'utf8'));
const fail = (message) => {
  console.error(message);
  process.exit(1);
};

/** The pinned Node for this machine, as the lock file names it; undefined where there is none. */
function pinnedNode(lock) {
  const here = ([path, { os, cpu, bin }]) =>
    path.startsWith('node_modules/node-') &&
    bin?.node &&
    [os].flat().includes(process.platform) &&
    [cpu].flat().includes(process.arch);
  const found = Object.entries(lock.packages).find(here);
  return found && join(root, found[0], found[1].bin.node);
}

/**
 * npm leaves a list of what it installed when it has finished, never half-way. Packages that are optional (those for
 * other platforms are) may be absent; what is there must be the locked version.
 */
function isInstalled(lock) {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const installed = read('node_modules/.package-lock.json').packages;
  const node = pinnedNode(lock);
  return (
    (!node || existsSync(node)) &&
    Object.entries(lock.packages).every(([path, { link, optional, version, integrity }]) => {
      if (!path.includes('node_modules/')) return true;
      const there = installed[path];
      if (!there) return optional === true;
      return link || (there.version === version && there.integrity === integrity);
    })
  );
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Takes the right to install; false: somebody else has it, and is alive. */
function mayInstall() {
  try {
    writeFileSync(installing, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    const holder = Number(readFileSync(installing, 'utf8'));
    const age = Date.now() - statSync(installing).mtimeMs;
    if (age > installLimitMs || (holder > 0 && !isAlive(holder))) rmSync(installing, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  return false;
}

/** Returns whether npm succeeded. Its output goes to standard error: standard output belongs to the script. */
function install() {
  console.error('Installing dependencies …');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const [command, shell] = npm?.endsWith('.js')
    ? [process.execPath, false]
    : ['npm', process.platform === 'win32'];
  if (!shell && command !== 'npm') args.unshift(npm);
  return spawnSync(command, args, { cwd: root, shell, stdio: ['ignore', 2, 2] }).status === 0;
}

/** Two that start at once in a fresh clone: one installs, the other waits for it. */
async function ensureInstalled(lock) {
  while (!isInstalled(lock)) {
    if (mayInstall()) {
      const succeeded = isInstalled(lock) || install();
      rmSync(installing, { force: true });
      if (!succeeded || !isInstalled(lock)) fail('npm ci did not install what package-lock.json lists');
    } else {
      await setTimeout(200);
    }
  }
}

const [script, ...args] = process.argv.slice(2);
if (script === undefined) fail('usage: node scripts/run.mjs SCRIPT [ARGUMENT…]');

const lock = read('package-lock.json');
await ensureInstalled(lock);
let node = pinnedNode(lock);
if (!node && Number(process.versions.node.split('.')[0]) >= 26) node = process.execPath;
if (!node)
  fail(
    `No Node 26 is packaged for ${process.platform} on ${process.arch}: run this with a Node 26 of your own.`,
  );

const child = spawn(node, [resolve(root, script), ...args], { stdio: 'inherit' });
child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
