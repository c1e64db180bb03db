#!/usr/bin/env node
import { Command } from 'commander';
import { createKey } from './app/create-key.ts';
import { addDoctorCommand } from './app/doctor/doctor-command.ts';
import { addLoadTestCommand } from './app/loadtest/load-test-command.ts';
import { migrateDatabase } from './app/migrate-database.ts';
import { runJobs } from './app/run-jobs.ts';
import { runServer } from './app/run-server.ts';
import { version } from './app/version.ts';
import { ConfigError, listSecrets, loadConfig } from './platform/config/index.ts';
import { createLogger } from './platform/log/index.ts';

/** What every command starts from: the configuration of the environment, and a log that keeps its secrets. */
function start() {
  const config = loadConfig(process.env);
  return { config, log: createLogger({ level: config.log.level, secrets: listSecrets(config) }) };
}

const program = new Command('evenkeel')
  .description('The backend for AI assistants. Configured by environment variables: docs/reference/configuration.md')
  .version(version)
  .showHelpAfterError();

program
  .command('serve')
  .description('start the server, and an embedded Postgres unless DATABASE_URL is set')
  .option('--no-jobs', 'leave the work in the background to processes started with "work"')
  .action(async (options: { jobs: boolean }) => {
    const { config, log } = start();
    await runServer(config, log, { process, worksOnJobs: options.jobs });
  });

program
  .command('work')
  .description('work on the jobs in the background, without serving requests')
  .action(async () => {
    const { config, log } = start();
    await runJobs(config, log, process);
  });

program
  .command('migrate')
  .description('bring the schema of the database up to date, and end')
  .action(async () => {
    const { config, log } = start();
    const applied = await migrateDatabase(config, log);
    process.stdout.write(applied.length === 0 ? 'The schema is up to date.\n' : `Applied:\n${applied.join('\n')}\n`);
  });

program
  .command('keys')
  .description('manage API keys past the HTTP interface')
  .command('create')
  .description('create an API key that may do everything, and print it; also creates the user when there is none')
  .requiredOption('--username <name>', 'whose key it is')
  .option('--name <text>', 'what the key is for', 'command line')
  .action(async (options: { username: string; name: string }) => {
    const { config, log } = start();
    process.stdout.write(`${await createKey(config, log, options)}\n`);
  });

addLoadTestCommand(program, start);
addDoctorCommand(program, start);

try {
  await program.parseAsync();
} catch (error) {
  const text = error instanceof ConfigError ? `The configuration has problems:\n${error.message}` : String(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}
