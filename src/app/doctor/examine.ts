import { checkAssistants } from './checks/check-assistants.ts';
import { checkMail } from './checks/check-mail.ts';
import { checkModels } from './checks/check-models.ts';
import { checkOpenFiles } from './checks/check-open-files.ts';
import { checkPlans } from './checks/check-plans.ts';
import { checkRedis } from './checks/check-redis.ts';
import { checkSignIn } from './checks/check-sign-in.ts';
import { checkTimeouts } from './checks/check-timeouts.ts';
import { checkTraces } from './checks/check-traces.ts';
import { examineDatabase } from './examine-database.ts';
import { type CheckContext, type Finding, runCheck } from './finding.ts';

/** Those that need nothing of the database. */
const checks = [
  checkModels,
  checkAssistants,
  checkPlans,
  checkSignIn,
  checkMail,
  checkTraces,
  checkTimeouts,
  checkOpenFiles,
];

/** Looks at all that a configuration names, mostly at the same time, and changes nothing. Throws nothing. */
export async function examine(context: CheckContext): Promise<Finding[]> {
  const others = Promise.all(checks.map((check) => runCheck(check, context)));
  const database = await examineDatabase(context);
  // Whether Redis is needed depends on how many servers run, which the database knows; and how far it is, is measured
  // when there is little else to do.
  const redis = await runCheck(checkRedis, { ...context, instances: database.instances });
  return [...database.findings, ...redis, ...(await others).flat()];
}
