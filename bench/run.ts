/**
 * `npm run bench`: measures what Evenkeel promises about speed, each against its baseline in the same run. With `--json` the
 * results of a whole run are kept in docs/speed, from which `npm run generate` makes the table and the picture of the README.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Bench } from './frame/bench.ts';
import { describeMachine } from './frame/machine.ts';
import { judge, type Verdict } from './frame/measurement.ts';
import { renderTable } from './frame/render-table.ts';
import { cachedUsersMemory } from './rows/cached-users-memory.ts';
import { completions } from './rows/completions.ts';
import { createSessionFar, createSessionNear } from './rows/create-session.ts';
import { crowd } from './rows/crowd.ts';
import { historyOffset, historyUnchanged } from './rows/history.ts';
import { ready } from './rows/ready.ts';
import { revokedKey } from './rows/revoked-key.ts';
import { signInStatements } from './rows/sign-in-statements.ts';
import { statements } from './rows/statements.ts';
import { streamCpu } from './rows/stream-cpu.ts';
import { streams } from './rows/streams.ts';
import { turnFar, turnNear } from './rows/turn.ts';
import { websockets } from './rows/websockets.ts';
import { whoAmI } from './rows/who-am-i.ts';
import { Stage } from './stage/stage.ts';

// Those that fill the database come last.
const benches: readonly Bench[] = [
  ready,
  statements,
  signInStatements,
  whoAmI,
  completions,
  streamCpu,
  revokedKey,
  cachedUsersMemory,
  websockets,
  createSessionNear,
  createSessionFar,
  turnNear,
  turnFar,
  streams,
  crowd,
  historyUnchanged,
  historyOffset,
];

const RESULTS_FILE = new URL('../docs/speed/results.json', import.meta.url);

/** What came of a run. */
interface Results {
  /** By bench. */
  readonly verdicts: Record<string, Verdict[]>;
  /** Benches that broke, each with the reason. */
  readonly broken: Record<string, unknown>;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function chooseBenches(names: readonly string[]): readonly Bench[] {
  const unknown = names.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    throw new Error(`No bench ${unknown.join(', ')}. There are: ${benches.map((bench) => bench.name).join(', ')}`);
  }
  return names.length === 0 ? benches : benches.filter((bench) => names.includes(bench.name));
}

/** The stage that is open. */
let stage: Stage | undefined;

/** Runs a bench on a stage of its own: what others left in a database is work for it. */
async function runBench(bench: Bench): Promise<Verdict[]> {
  await using own = await Stage.open();
  stage = own;
  return (await bench.measure(own)).map(judge);
}

/** Runs benches one after the other; one that breaks does not keep the others from running. */
async function runBenches(chosen: readonly Bench[]): Promise<Results> {
  const results: Results = { verdicts: {}, broken: {} };
  for (const bench of chosen) {
    process.stderr.write(`${bench.name} …\n`);
    try {
      results.verdicts[bench.name] = await runBench(bench);
    } catch (error) {
      results.broken[bench.name] = error;
      process.exitCode = 1;
    }
  }
  return results;
}

/** Keeps what came of a whole run for the README, which says one day and one machine of all of it. */
async function keepResults({ verdicts }: Results, machine: object): Promise<void> {
  const at = new Date().toISOString();
  await writeFile(RESULTS_FILE, `${JSON.stringify({ at, machine, verdicts }, null, 2)}\n`);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
  if (values.json && positionals.length > 0)
    throw new Error('Only the results of all benches are kept: leave the names out.');
  const chosen = chooseBenches(positionals);
  const machine = describeMachine();
  const { cpu, cores, memoryGiB, system, node } = machine;
  say(`${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}`);
  say(
    'Load generator, servers and Postgres share them. Postgres as the product runs it (fsync on), 10 connections a server.',
  );
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    // Postgres outlives us unless it is told.
    process.once(signal, () => void Promise.resolve(stage?.[Symbol.asyncDispose]()).finally(() => process.exit(code)));
  }
  const results = await runBenches(chosen);
  say(`\n${renderTable(Object.values(results.verdicts).flat())}`);
  for (const [name, reason] of Object.entries(results.broken)) say(`${name} broke: ${reason}`);
  if (values.json && Object.keys(results.broken).length === 0) await keepResults(results, machine);
}

await main();
