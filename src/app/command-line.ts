import { Command } from 'commander';
import { type Config, ConfigError, listSecrets, loadConfig } from '../platform/config/index.ts';
import { createLogger, type Logger } from '../platform/log/index.ts';
import { addDoctorCommand } from './doctor/doctor-command.ts';
import { addLoadTestCommand } from './loadtest/load-test-command.ts';
import { version } from './version.ts';

/**
 * What every command starts from: the configuration of the environment, and a log that keeps its secrets, on standard output
 * unless it is given another place.
 */
type Start = (logDestination?: NodeJS.WriteStream) => { config: Config; log: Logger };

/** Writes what was asked for. @throws Error when it cannot be written: a key that nobody has is no success. */
async function answer({ stdout }: NodeJS.Process, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** The commands. Each loads what it takes when it is run: loading everything is most of a short one's time. */
function createProgram(process: NodeJS.Process, start: Start): Command {
  const program = new Command('evenkeel')
    .description('The backend for AI assistants. Configured by environment variables: docs/reference/configuration.md')
    .version(version)
    .showHelpAfterError('Add --help to see what there is.')
    // A command that was not understood ends with another code than one that did its work and found something.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  // What does something and ends has standard output for what it was asked for, such as a key.
  const startShort = () => start(process.stderr);

  program
    .command('serve')
    .description('start the server, and an embedded Postgres unless DATABASE_URL is set')
    .option('--no-jobs', 'leave the work in the background to processes started with "work"')
    .action(async (options: { jobs: boolean }) => {
      const { config, log } = start();
      const { runServer } = await import('./run-server.ts');
      await runServer(config, log, { process, worksOnJobs: options.jobs });
    });

  program
    .command('work')
    .description('work on the jobs in the background, without serving requests')
    .action(async () => {
      const { config, log } = start();
      const { runJobs } = await import('./run-jobs.ts');
      await runJobs(config, log, process);
    });

  program
    .command('migrate')
    .description('bring the schema of the database up to date, and end')
    .action(async () => {
      const { config, log } = startShort();
      const { migrateDatabase } = await import('./migrate-database.ts');
      const applied = await migrateDatabase(config, log);
      await answer(process, applied.length === 0 ? 'The schema is up to date.\n' : `Applied:\n${applied.join('\n')}\n`);
    });

  program
    .command('keys')
    .description('manage API keys past the HTTP interface')
    .command('create')
    .description('create an API key that may do everything, and print it; also creates the user when there is none')
    .requiredOption('--username <name>', 'whose key it is')
    .option('--name <text>', 'what the key is for', 'command line')
    .action(async (options: { username: string; name: string }) => {
      const { config, log } = startShort();
      const { createKey } = await import('./create-key.ts');
      await answer(process, `${await createKey(config, log, options)}\n`);
    });

  addLoadTestCommand(program, startShort);
  addDoctorCommand(program, startShort);
  return program;
}

/** How long a process may outlast its command, in milliseconds: long enough for connections to be closed politely. */
const LINGER_MS = 1_000;

/**
 * Runs what the command line asks for. Problems go to standard error, and end the process with another code than 0. It ends
 * a second after its command at the latest.
 */
export async function runCommandLine(process: NodeJS.Process): Promise<void> {
  // What a command says is no reason to end without closing what it opened: a full disk, or a reader that has left.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
  const start: Start = (destination) => {
    const config = loadConfig(process.env);
    return { config, log: createLogger({ level: config.log.level, secrets: listSecrets(config), destination }) };
  };
  try {
    await createProgram(process, start).parseAsync();
  } catch (error) {
    const text = error instanceof ConfigError ? `The configuration has problems:\n${error.message}` : String(error);
    process.stderr.write(`${text}\n`);
    process.exitCode ??= 1;
  } finally {
    // What a silent database or a start that failed has left open would keep the process, which heeds no signal any more.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}
