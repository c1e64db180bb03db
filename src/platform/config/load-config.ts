import type { ConfigFile } from './config-file.ts';
import { findBaseUrlFault } from './model-base-url.ts';
import { isSlipOf, nearestName } from './nearest-name.ts';
import type { Environment } from './parsed.ts';
import type { Optional, Variable } from './variable.ts';
import { variables } from './variables.ts';

type ValueOf<V> = V extends Optional<infer Value> ? Value | undefined : V extends Variable<infer Value> ? Value : never;

/** The configuration: what `variables` describes, read, checked and frozen. */
export type Config = {
  readonly [Group in keyof typeof variables]: {
    readonly [Name in keyof (typeof variables)[Group]]: ValueOf<(typeof variables)[Group][Name]>;
  };
};

/** Everything that is wrong with the environment, at once. Quotes no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** One line each: `DATABASE_POOL_SIZE: "ten" is not an integer from 1 to 1000`. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Beginnings of names that are ours alone, so that a slip in the rest is found. `LOG_`, `SESSION_`, `DATA_` and the like
 * are not here: desktops and hosting platforms set variables that start so.
 */
const OWN_PREFIXES = [
  'DATABASE_',
  'MODEL_',
  'MODELS_',
  'CORS_',
  'TRUSTED_',
  'DRAIN_',
  'LOOKUP_',
  'CALLER_',
  'PLANS_',
  'PRIVY_',
  'OIDC_',
];

/** Of a shorter name, another program's may well be but a letter away. */
const SLIP_CHARS = 9;

const all: readonly Variable<unknown>[] = Object.values(variables).flatMap((group) => Object.values(group));
const names = all.map((variable) => variable.name);
const longNames = names.filter((name) => name.length >= SLIP_CHARS);

const looksLikeOurs = (name: string): boolean =>
  OWN_PREFIXES.some((prefix) => name.startsWith(prefix)) || isSlipOf(name, longNames);

/** As a line of a file stands there that a shell would read: `docker run --env-file` and the like take the marks for the value's. */
const IN_QUOTES = /^(["']).*\1$/s;

function readVariable(variable: Variable<unknown>, environment: Environment, problems: string[]): unknown {
  const set = environment[variable.name];
  if (set?.trim() === '') {
    problems.push(`${variable.name}: set but empty: remove it or give it a value`);
    return undefined;
  }
  if (set !== undefined && IN_QUOTES.test(set)) {
    problems.push(`${variable.name}: in quotation marks, which would be part of the value: leave them away`);
    return undefined;
  }
  const text = set ?? variable.defaultText;
  if (text === undefined) return undefined;
  const parsed = variable.parse(text, environment);
  if ('value' in parsed) return parsed.value;
  problems.push(`${variable.name}: ${parsed.problem}`);
  return undefined;
}

function isFile(value: unknown): value is ConfigFile {
  return typeof value === 'object' && value !== null && 'named' in value;
}

/** The files that a configuration names. */
function listFiles(config: object): ConfigFile[] {
  return Object.values(config).flatMap((group) => Object.values(group as object).filter(isFile));
}

/** Whether Kubernetes has set it: `DATABASE_SERVICE_HOST`, `DATABASE_PORT` and more of them wherever a service is named `database`. */
function isOfService(name: string, environment: Environment): boolean {
  const [, service] = /^(.+?)_(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_|$)/.exec(name) ?? [];
  return service !== undefined && environment[`${service}_SERVICE_HOST`] !== undefined;
}

function findUnknown(environment: Environment, files: readonly ConfigFile[]): string[] {
  const known = new Set([...names, ...files.flatMap(({ named }) => Object.keys(named))]);
  return Object.keys(environment)
    .filter((name) => !known.has(name) && looksLikeOurs(name) && !isOfService(name, environment))
    .map((name) => `${name}: there is no such variable; did you mean ${nearestName(name, names)}?`);
}

/** Variables that mean nothing without another: each with that other one. */
const companions: Readonly<Record<string, string>> = {
  DATABASE_DIRECT_URL: 'DATABASE_URL',
  MODEL_API_KEY: 'MODEL_BASE_URL',
  MODEL_NAME: 'MODEL_BASE_URL',
  MODEL_ALLOW_PRIVATE: 'MODEL_BASE_URL',
  MODEL_BASE_URL: 'MODEL_NAME',
  OIDC_AUDIENCE: 'OIDC_ISSUER',
  OIDC_JWKS_URL: 'OIDC_ISSUER',
  OIDC_ISSUER: 'OIDC_AUDIENCE',
  PRIVY_VERIFICATION_KEY: 'PRIVY_APP_ID',
  MAIL_FROM: 'SMTP_URL',
  OTEL_EXPORTER_OTLP_HEADERS: 'OTEL_EXPORTER_OTLP_ENDPOINT',
};

/** Looks at what is set, not at what was read, so that a wrong value is not also called a missing one. */
function findContradictions(environment: Environment): string[] {
  const problems = Object.entries(companions)
    .filter(([name, other]) => environment[name] !== undefined && environment[other] === undefined)
    .map(([name, other]) => `${name}: needs ${other} beside it`);
  if (environment.MODELS_FILE !== undefined && environment.MODEL_BASE_URL !== undefined) {
    problems.push('MODELS_FILE: set beside MODEL_BASE_URL; put that provider into the file');
  }
  if (environment.MODEL_NAME === 'offline') problems.push('MODEL_NAME: offline is the name of the built-in model');
  const baseUrl = environment.MODEL_BASE_URL ?? '';
  const fault = URL.canParse(baseUrl) ? findBaseUrlFault(baseUrl) : undefined;
  if (fault !== undefined) problems.push(`MODEL_BASE_URL: ${fault}`);
  return problems;
}

/**
 * Reads the configuration from an environment (`process.env`, which only `main.ts` touches).
 *
 * @throws ConfigError with every problem there is: wrong values, empty ones, unknown names, variables that need another.
 */
export function loadConfig(environment: Environment): Config {
  const problems: string[] = [];
  const config = Object.fromEntries(
    Object.entries(variables).map(([group, members]) => [
      group,
      Object.freeze(
        Object.fromEntries(
          Object.entries<Variable<unknown>>(members).map(([key, variable]) => [
            key,
            readVariable(variable, environment, problems),
          ]),
        ),
      ),
    ]),
  );
  problems.push(...findContradictions(environment), ...findUnknown(environment, listFiles(config)));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config) as Config;
}

/** The secrets that a configuration holds, for the log to keep out of its lines. */
export function listSecrets(config: Config): string[] {
  const secrets = listFiles(config).flatMap(({ named }) => Object.values(named));
  for (const [group, members] of Object.entries(variables)) {
    const values = config[group as keyof Config] as Readonly<Record<string, unknown>>;
    for (const [key, variable] of Object.entries<Variable<unknown>>(members)) {
      const value = values[key];
      if (variable.secret) secrets.push(...[value ?? []].flat().map(String));
    }
  }
  return secrets;
}
