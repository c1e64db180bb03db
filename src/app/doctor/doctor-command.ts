import type { Command } from 'commander';
import { systemClock } from '../../base/time.ts';
import { type Config, ConfigError, listSecrets } from '../../platform/config/index.ts';
import { createMask } from '../../platform/log/index.ts';
import { readCount } from '../read-count.ts';
import { type Finding, listProblems } from './finding.ts';
import { renderFindings, worstOf } from './render-findings.ts';

/** What the command line gives. */
interface DoctorOptions {
  instances: number;
  json?: boolean;
}

const exitCodes = { ok: 0, advice: 1, broken: 2 };

function write(findings: readonly Finding[], { json }: DoctorOptions, secrets: readonly string[]): void {
  const level = worstOf(findings);
  const text = json ? `${JSON.stringify({ level, findings }, null, 2)}\n` : renderFindings(findings);
  // Messages of libraries are quoted, and might quote a URL.
  process.stdout.write(createMask(secrets)(text));
  process.exitCode = exitCodes[level];
}

/** Adds `doctor`. `start` gives the configuration, whose every part is looked at. */
export function addDoctorCommand(program: Command, start: () => { config: Config }): void {
  program
    .command('doctor')
    .description(
      'look at the database, Redis, the models, identity providers, mail, traces, the files and the limits of this machine ' +
        'as configured, and say what to do. Changes nothing. The exit code is 0 when there is nothing to do, 1 with advice, 2 when something is broken',
    )
    .option('--json', 'write what was found as JSON')
    .option('--instances <count>', 'servers on the same database, when more than run now', readCount(1, 1_000), 1)
    .action(async (options: DoctorOptions) => {
      try {
        const { config } = start();
        const { examine } = await import('./examine.ts');
        const findings = await examine({ config, clock: systemClock, instances: options.instances });
        write(findings, options, listSecrets(config));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        write(listProblems(error, 'configuration'), options, []);
      }
    });
}
