import { checkModels } from './checks/check-models.ts';
import { checkOpenFiles } from './checks/check-open-files.ts';
import { checkRedis } from './checks/check-redis.ts';
import { checkTimeouts } from './checks/check-timeouts.ts';
import { examineDatabase } from './examine-database.ts';
import { type CheckContext, type Finding, runCheck } from './finding.ts';

const checks = [checkRedis, checkModels, checkTimeouts, checkOpenFiles];

/** Looks at all that a configuration names, at the same time, and changes nothing. Throws nothing. */
export async function examine(context: CheckContext): Promise<Finding[]> {
  const findings = [examineDatabase(context), ...checks.map((check) => runCheck(check, context))];
  return (await Promise.all(findings)).flat();
}
