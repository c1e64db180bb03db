import { inTime } from '../../base/in-time.ts';
import type { Clock } from '../../base/time.ts';
import { type Config, ConfigError } from '../../platform/config/index.ts';
import { reasonOf } from '../reason-of.ts';

/** How bad it is: nothing to do, better to do something, does not work or not for long. */
export type Level = 'ok' | 'advice' | 'broken';

/** What a check saw. */
export interface Observation {
  readonly level: Level;
  readonly what: string;
  /** Null when there is nothing to do. */
  readonly what_to_do: string | null;
}

/** What a check saw, and which. */
export interface Finding extends Observation {
  readonly check: string;
}

/** What every check gets. */
export interface CheckContext {
  readonly config: Config;
  readonly clock: Clock;
  /** Servers that run, or are to run, on the same database. */
  readonly instances: number;
}

/** A look at one thing, which changes nothing. */
export interface Check<Context = CheckContext> {
  /** A word or two, for the line of a finding. */
  readonly name: string;
  /** What it saw; what it throws is a finding too. */
  run(context: Context): readonly Observation[] | Promise<readonly Observation[]>;
}

/** How long a check may take, and each step on the way to what it looks at. */
export const BOUND_MS = 5_000;
/** How long a check may wait for a service: it has time left to say what to do about one that does not answer. */
export const SERVICE_BOUND_MS = BOUND_MS - 500;

export const fine = (what: string): Observation => ({ level: 'ok', what, what_to_do: null });
export const advice = (what: string, todo: string): Observation => ({ level: 'advice', what, what_to_do: todo });
export const broken = (what: string, todo: string): Observation => ({ level: 'broken', what, what_to_do: todo });

/** As Node says it. Mail and Redis put codes of their own in place of its. */
const UNKNOWN_ISSUER =
  /self-signed certificate|unable to (?:verify the first certificate|get (?:local )?issuer certificate)/;
const TRUST_ISSUER =
  "Set NODE_EXTRA_CA_CERTS=<file> with its issuer's certificate, in PEM, beside the other variables, also for the server.";

/** A service that is not reached, and what to do; other than that where nobody known has signed its certificate. */
export function unreached(what: string, error: unknown, todo: string): Observation {
  const reason = reasonOf(error);
  return broken(`${what}: ${reason}`, UNKNOWN_ISSUER.test(reason) ? TRUST_ISSUER : todo);
}

/** The first few of names, and that there are more. */
export const firstOf = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`;

/** What a configuration is that no server starts with: each of its problems, broken. */
export function listProblems({ problems }: ConfigError, check: string): Finding[] {
  return problems.map((problem) => ({ check, ...broken(problem, 'See docs/reference/configuration.md.') }));
}

/** Runs a check, and makes a finding of it when that fails or takes too long. */
export async function runCheck<Context>({ name, run }: Check<Context>, context: Context): Promise<Finding[]> {
  try {
    const seen = await inTime(BOUND_MS, Promise.resolve(run(context)));
    return seen.map((observation) => ({ check: name, ...observation }));
  } catch (error) {
    if (error instanceof ConfigError) return listProblems(error, name);
    return [{ check: name, ...advice(`could not be looked at: ${reasonOf(error)}`, 'Mend that, and look again.') }];
  }
}
