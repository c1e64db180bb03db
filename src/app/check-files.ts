import { readIssuers } from '../core/accounts/index.ts';
import { readPlans } from '../core/plans/index.ts';
import { type Config, ConfigError } from '../platform/config/index.ts';
import { listModels } from './open-models.ts';

/**
 * Reads the files that the configuration names, before anything is opened or migrated.
 * @throws ConfigError with all that is wrong with any of them.
 */
export function checkFiles(config: Config): void {
  const problems: string[] = [];
  const reads = [() => readPlans(config.plans.file), () => listModels(config), () => readIssuers(config.signIn)];
  for (const read of reads) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
