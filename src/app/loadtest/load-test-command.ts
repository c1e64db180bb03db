import { open } from 'node:fs/promises';
import type { Command } from 'commander';
import type { UserWithKey } from '../../core/keys/index.ts';
import type { Config } from '../../platform/config/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { findBrokenGates } from './find-broken-gates.ts';
import { climb, type LoadPlan, refuseForeignServer } from './load-plan.ts';
import { type LoadTestOptions, loadTestOptions } from './load-test-options.ts';
import { countErrorKinds, type Second, type Stage, shown } from './measurements.ts';

/** For creating and erasing many users with all that they left, in milliseconds. */
const USERS_BUDGET_MS = 600_000;

function toPlan(options: LoadTestOptions, { telemetry }: Config): LoadPlan {
  const { websockets: webSocketShare, maxErrorRate, p95: p95Ms, minRate, rate, ...rest } = options;
  const { metricsToken } = telemetry;
  return { ...rest, webSocketShare, rate, metricsToken, gates: { maxErrorRate, p95Ms, minRate } };
}

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

function showStages(stages: readonly Stage[]): void {
  process.stdout.write(`\n\n${stages.map(describe).join('\n')}\n\n`);
  for (const [kind, count] of countErrorKinds(stages)) process.stdout.write(`${shown(count)} × ${kind}\n`);
}

function judge(plan: LoadPlan, stages: readonly Stage[]): string[] {
  const last = stages[climb(plan.users).length - 1];
  return last === undefined
    ? ['it was interrupted before the end of its last stage']
    : findBrokenGates(last, plan.gates);
}

/** Has the server erase the users of load tests that are left, by its own job, which is tried until it is done. */
const ERASE_BY_SERVER = `select graphile_worker.add_job('accounts.erase_user', json_build_object('user_id', user_id)) from users where username ~ '^loadtest-[0-9a-f-]{36}$';`;

/** Says what stays behind and how to remove it. The verdict stands: what was measured is not changed by it. */
function showLeftBehind(error: unknown): void {
  process.stderr.write(
    `The users of this test could not all be erased: ${error}\n` +
      'Those that are left are named loadtest-<id>, with their keys, sessions and messages. When no load test runs, have the ' +
      `server erase them: start it, and run in its database\n\n  ${ERASE_BY_SERVER}\n\n`,
  );
}

/**
 * What ends a test early: the first signal. A second one ends the process, and the users stay behind, which it says; but not a
 * second SIGHUP: a terminal that is closed sends one by the shell and one by the kernel.
 */
function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController();
  const interrupt = (): void => {
    if (interrupted.signal.aborted) {
      showLeftBehind('it was interrupted a second time');
      process.exit(1);
    }
    interrupted.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  process.on('SIGHUP', () => interrupted.abort());
  return interrupted.signal;
}

/** Runs a load test from users' creation to their end. Sets the exit code by whether it kept to its gates. */
async function runCommand(
  plan: LoadPlan,
  reportPath: string | undefined,
  own: { config: Config; log: Logger },
): Promise<void> {
  const [
    { withDatabase },
    { checkServer, findServer },
    { runLoadTest },
    { renderReport },
    { createLoadTestUsers, eraseLoadTestUsers },
  ] = await Promise.all([
    import('../with-database.ts'),
    import('./check-server.ts'),
    import('./run-load-test.ts'),
    import('./render-report.ts'),
    import('./load-test-users.ts'),
  ]);
  // Before anything is done: a report that cannot be written is not found out about after ten minutes.
  await using report = reportPath === undefined ? undefined : await open(reportPath, 'w');
  // Nor is a database made in an empty DATA_DIR when there is no server.
  await findServer(plan.url);
  const signal = untilInterrupted();
  const database = { ...own, budgetMs: USERS_BUDGET_MS };
  const users: UserWithKey[] = [];
  try {
    await withDatabase(database, async (db, context) => {
      // One, by whom the server is looked at: to erase thousands in vain takes minutes where the database is far.
      await createLoadTestUsers(db, { users, count: 1 }, context);
      await checkServer(plan.url, users[0]?.secret ?? '');
      process.stdout.write(`Creating ${shown(plan.users)} users …\n`);
      await createLoadTestUsers(db, { users, count: plan.users }, context);
    });
    const { stages, seconds } = await runLoadTest(plan, users, { onSecond: showProgress, signal });
    const broken = judge(plan, stages);
    showStages(stages);
    await report?.writeFile(renderReport({ plan, stages, seconds, broken, madeAt: new Date() }));
    if (report !== undefined) process.stdout.write(`The report is in ${reportPath}\n`);
    process.stdout.write(broken.length === 0 ? 'Passed.\n' : `Failed: ${broken.join('; ')}.\n`);
    process.exitCode = broken.length === 0 ? 0 : 1;
  } finally {
    if (users.length > 0) {
      process.stdout.write('Erasing the users …\n');
      await withDatabase(database, (db, context) => eraseLoadTestUsers(db, users, context)).catch(showLeftBehind);
    }
  }
}

/** Adds `loadtest`. `start` gives the configuration, by which the users of the test are created. */
export function addLoadTestCommand(program: Command, start: () => { config: Config; log: Logger }): void {
  const command = program
    .command('loadtest')
    .description(
      'put a climbing number of users on a server and say whether it passes. Needs the configuration of that server: ' +
        'the users are created in its database, on the plan without limits, and erased afterwards. The exit code is 0 ' +
        'when the last stage keeps to every gate, 1 when it does not, 2 when the test could not be run',
    )
    .action(async (given: LoadTestOptions) => {
      // Until there is a verdict: what throws before leaves it so.
      process.exitCode = 2;
      refuseForeignServer(given.url, given.iOwnThisServer === true);
      const own = start();
      await runCommand(toPlan(given, own.config), given.report, own);
    });
  for (const option of loadTestOptions) command.addOption(option);
}
