import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Config } from '../../platform/config/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { withDatabase } from '../with-database.ts';
import { findBrokenGates } from './find-broken-gates.ts';
import {
  type Action,
  type LoadPlan,
  readCount,
  readDurationMs,
  readMix,
  readShare,
  refuseForeignServer,
} from './load-plan.ts';
import type { Second, Stage } from './measurements.ts';

/** What the command line gives. */
interface LoadTestOptions {
  url: string;
  users: number;
  stageSeconds: number;
  thinkSeconds: number;
  websockets: number;
  mix: Map<Action, number>;
  rate?: number;
  maxErrorRate: number;
  p95: number;
  minRate: number;
  report?: string;
  iOwnThisServer?: boolean;
}

/** For creating and erasing many users with all that they left, in milliseconds. */
const usersBudgetMs = 600_000;
const mostUsers = 50_000;

function toPlan(options: LoadTestOptions): LoadPlan {
  const { url, websockets: webSocketShare, maxErrorRate, p95: p95Ms, minRate, rate, ...rest } = options;
  return { ...rest, webSocketShare, rate, url: new URL(url), gates: { maxErrorRate, p95Ms, minRate } };
}

const shown = (value: number | null): string => (value === null ? '–' : Math.round(value).toLocaleString('en-US'));

function describe(of: Second | Stage): string {
  const { users, answersPerSecond, p50Ms, p95Ms, p99Ms, errors } = of;
  return (
    `${shown(users).padStart(6)} users  ${shown(answersPerSecond).padStart(6)}/s  ` +
    `p50 ${shown(p50Ms)} ms  p95 ${shown(p95Ms)} ms  p99 ${shown(p99Ms)} ms  ${shown(errors)} errors`
  );
}

/** Shows where the test is: on a terminal in one line that is written over. */
function showProgress(second: Second): void {
  const { isTTY } = process.stdout;
  process.stdout.write(isTTY ? `\r\u001b[K${describe(second)}` : `${describe(second)}\n`);
}

/** Runs a load test from users' creation to their end. Answers whether it kept to its gates. */
async function runCommand(
  plan: LoadPlan,
  options: LoadTestOptions,
  own: { config: Config; log: Logger },
): Promise<boolean> {
  const [{ runLoadTest }, { renderReport }, { createLoadTestUsers, eraseLoadTestUsers }] = await Promise.all([
    import('./run-load-test.ts'),
    import('./render-report.ts'),
    import('./load-test-users.ts'),
  ]);
  const database = { ...own, budgetMs: usersBudgetMs };
  process.stdout.write(`Creating ${shown(plan.users)} users …\n`);
  const users = await withDatabase(database, (db, context) => createLoadTestUsers(db, plan.users, context));
  try {
    const { stages, seconds } = await runLoadTest(plan, users, { onSecond: showProgress });
    const last = stages.at(-1);
    const broken = last === undefined ? ['the test ended before its last stage'] : findBrokenGates(last, plan.gates);
    process.stdout.write(`\n\n${stages.map(describe).join('\n')}\n\n`);
    for (const kind of new Set(stages.flatMap((stage) => Object.keys(stage.errorKinds)))) {
      const count = stages.reduce((sum, stage) => sum + (stage.errorKinds[kind] ?? 0), 0);
      process.stdout.write(`${shown(count)} × ${kind}\n`);
    }
    if (options.report !== undefined) {
      await writeFile(options.report, renderReport({ plan, stages, seconds, broken, madeAt: new Date() }));
      process.stdout.write(`The report is in ${options.report}\n`);
    }
    process.stdout.write(broken.length === 0 ? 'Passed.\n' : `Failed: ${broken.join('; ')}.\n`);
    return broken.length === 0;
  } finally {
    process.stdout.write('Erasing the users …\n');
    await withDatabase(database, (db, context) => eraseLoadTestUsers(db, users, context));
  }
}

/** Adds `loadtest`. `start` gives the configuration, by which the users of the test are created. */
export function addLoadTestCommand(program: Command, start: () => { config: Config; log: Logger }): void {
  program
    .command('loadtest')
    .description(
      'put a climbing number of users on a server and say whether it passes. Needs the configuration of that server: ' +
        'the users are created in its database, on the plan without limits, and erased afterwards',
    )
    .option('--url <url>', 'the server', 'http://127.0.0.1:8000')
    .option('--users <count>', 'users at the end of the climb 10, 50, 100, 500, …', readCount(1, mostUsers), 10_000)
    .option('--stage-seconds <count>', 'how long each stage of the climb is measured', readCount(1, 600), 10)
    .option('--think-seconds <count>', 'between an answer and the next request of a user', readCount(0, 600), 10)
    .option('--websockets <share>', 'of the users, who send their messages over a WebSocket', readShare, 0)
    .option('--mix <weights>', 'what the others do', readMix, readMix('create=1,post=1,read=1,unchanged=1'))
    .option(
      '--rate <count>',
      'requests a second in all, sent whether or not the server keeps up',
      readCount(1, 100_000),
    )
    .option('--max-error-rate <share>', 'of the last stage', readShare, 0.01)
    .option('--p95 <time>', 'of the last stage', readDurationMs, 500)
    .option('--min-rate <count>', 'good answers a second in the last stage', readCount(0, 1_000_000), 0)
    .option('--report <file>', 'where to write the report, as one HTML file')
    .option('--i-own-this-server', 'allow a server on another machine')
    .action(async (options: LoadTestOptions) => {
      const plan = toPlan(options);
      refuseForeignServer(plan.url, options.iOwnThisServer === true);
      const passed = await runCommand(plan, options, start());
      if (!passed) process.exitCode = 1;
    });
}
