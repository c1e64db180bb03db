import { isOrigin } from '../../base/is-origin.ts';
import { logLevels } from '../log/index.ts';
import { milliseconds } from './milliseconds.ts';
import { signInVariables } from './sign-in-variables.ts';
import { telemetryVariables } from './telemetry-variables.ts';
import {
  integer,
  isAddressRange,
  isReadableRedisUrl,
  list,
  oneOf,
  optionalFile,
  optionalText,
  optionalUrl,
  text,
} from './variable.ts';

const MIB = 1024 * 1024;

const postgresUrl = {
  schemes: ['postgres', 'postgresql'],
  besides: {
    kind:
      ', of one host, its user and password percent-encoded (@ as %40, / as %2F, ? as %3F, # as %23); by a Unix socket ' +
      'postgres://user:password@localhost/name?host=/folder',
    // What comes after a # would be lost; several hosts would be looked up as one. With an @ behind the host, a password has
    // ended too soon: what was read of it may pass for a port, or for another host. The value of a parameter may have one.
    holds: ({ hash, hostname, pathname, searchParams }: URL) =>
      hash === '' && !hostname.includes(',') && ![pathname, ...searchParams.keys()].some((part) => part.includes('@')),
  },
  secret: true,
};

const MODEL_API_KEY = /^[\x21-\x7e]+$/;

/** Whether a text can be sent as a key. One with the line end of the file that it came from can be in no header. */
export const isModelApiKey = (text: string): boolean => MODEL_API_KEY.test(text);

/**
 * Every variable there is, by group; `Config` has the same groups and names. The reference page
 * `docs/reference/configuration.md` is generated from it.
 */
export const variables = {
  http: {
    port: integer({
      name: 'PORT',
      from: 0,
      to: 65535,
      default: 8000,
      sentence: 'Port to listen on; 0 takes a free one.',
    }),
    host: text({
      name: 'HOST',
      pattern: /^[A-Za-z0-9.:_-]{1,253}$/,
      kind: 'an address or a host name',
      default: '127.0.0.1',
      sentence: 'Address to listen on; 0.0.0.0 or :: for all. A name stands for one, the IPv4 one first.',
    }),
    requestBudgetMs: milliseconds('REQUEST_BUDGET_MS', 10_000, 'Time a request has when its route says nothing else.'),
    sessionCreateBudgetMs: milliseconds('SESSION_CREATE_BUDGET_MS', 15_000, 'Time that creating a session has.'),
    lookupBudgetMs: milliseconds('LOOKUP_BUDGET_MS', 5_000, 'Time that looking up the caller has, within the request.'),
    drainTimeoutMs: milliseconds(
      'DRAIN_TIMEOUT_MS',
      25_000,
      'Time that requests in flight have to finish when the server stops.',
    ),
    bodyLimitBytes: integer({
      name: 'BODY_LIMIT_BYTES',
      from: 1024,
      to: 64 * MIB,
      unit: 'bytes',
      default: MIB,
      sentence:
        'Largest request body that is read, on public routes such as sign-in 64 KiB at most; a larger one is refused with 413.',
    }),
    corsOrigins: list({
      name: 'CORS_ORIGINS',
      items: 'origins such as https://app.example.com, without a path and without *',
      isItem: isOrigin,
      sentence:
        'Origins whose pages may call the server from a browser, and of apps that are such pages: `capacitor://localhost`.',
    }),
    trustedProxies: list({
      name: 'TRUSTED_PROXIES',
      items: 'IP addresses and ranges such as 10.0.0.0/8, none with a prefix of 0',
      isItem: isAddressRange,
      sentence: 'Proxies whose X-Forwarded-For is believed; from all others it is ignored.',
    }),
  },
  data: {
    directory: text({
      name: 'DATA_DIR',
      pattern: /^\P{Cc}+$/u,
      kind: 'a path',
      default: './data',
      sentence: 'Folder of the embedded database and of the first API key.',
    }),
  },
  database: {
    url: optionalUrl({
      name: 'DATABASE_URL',
      ...postgresUrl,
      sentence: 'Postgres to use, 14 or later. Without it an embedded one runs in `DATA_DIR`.',
    }),
    directUrl: optionalUrl({
      name: 'DATABASE_DIRECT_URL',
      ...postgresUrl,
      sentence:
        'The same database past its transaction pooler, for migrations and notifications. Needed when `DATABASE_URL` leads to PgBouncer or the like.',
    }),
    poolSize: integer({
      name: 'DATABASE_POOL_SIZE',
      from: 1,
      to: 1000,
      unit: 'connections',
      default: 10,
      sentence: 'Connections that are kept open.',
    }),
    poolOverflow: integer({
      name: 'DATABASE_POOL_OVERFLOW',
      from: 0,
      to: 1000,
      unit: 'connections',
      default: 20,
      sentence: 'Connections opened beyond the kept ones under load, and closed soon after.',
    }),
    poolWaitMs: milliseconds('DATABASE_POOL_WAIT_MS', 500, 'Longest wait for a free connection; then 503.'),
    connectTimeoutMs: milliseconds('DATABASE_CONNECT_TIMEOUT_MS', 10_000, 'Longest wait for a new connection.'),
    statementTimeoutMs: milliseconds(
      'DATABASE_STATEMENT_TIMEOUT_MS',
      30_000,
      'Longest run of a statement; the database ends it. Half a second more than the budget of a statement, if that is less.',
    ),
    statementBudgetMs: milliseconds(
      'DATABASE_STATEMENT_BUDGET_MS',
      2_000,
      'Time that a statement of a request has, the wait for a connection included; then 503.',
    ),
    connectionMaxAgeSeconds: integer({
      name: 'DATABASE_CONNECTION_MAX_AGE_SECONDS',
      from: 1,
      to: 7 * 86_400,
      unit: 'seconds',
      default: 3600,
      sentence:
        'Age at which a connection is replaced, or up to a quarter sooner, so that a failover or a new address is noticed.',
    }),
  },
  redis: {
    url: optionalUrl({
      name: 'REDIS_URL',
      schemes: ['redis', 'rediss'],
      besides: {
        kind: ', its user and password percent-encoded, its path none or the number of a database',
        holds: isReadableRedisUrl,
      },
      secret: true,
      sentence: 'Redis that several servers share. Without it each has its own cache.',
    }),
    commandTimeoutMs: milliseconds(
      'REDIS_COMMAND_TIMEOUT_MS',
      150,
      'Longest wait for Redis; one that is slower is left alone for five seconds.',
    ),
  },
  callers: {
    cache: oneOf({
      name: 'CALLER_CACHE',
      words: ['on', 'off'],
      default: 'on',
      sentence: 'Whether callers are cached. Off, each request asks the database who is calling.',
    }),
    ttlSeconds: integer({
      name: 'CALLER_CACHE_TTL_SECONDS',
      from: 1,
      to: 3600,
      unit: 'seconds',
      default: 300,
      sentence: 'Time after which a cached caller is read again. A revoked key is refused at once all the same.',
    }),
    graceSeconds: integer({
      name: 'CALLER_CACHE_GRACE_SECONDS',
      from: 0,
      to: 86_400,
      unit: 'seconds',
      default: 600,
      sentence: 'Time after its last reading for which a caller is believed while the database does not answer.',
    }),
  },
  plans: {
    file: optionalFile({
      name: 'PLANS_FILE',
      sentence: 'Plans, in place of the built-in ones of the same name or on top: see [the guide](../guides/plans.md).',
    }),
  },
  referrals: {
    rewardTokens: integer({
      name: 'REFERRAL_REWARD_TOKENS',
      from: 1,
      to: 1_000_000_000,
      unit: 'tokens',
      default: 50_000,
      sentence:
        'What a user who signs up by a referral code is given in that month beside the plan, and the user whose code it was.',
    }),
  },
  signIn: signInVariables,
  models: {
    baseUrl: optionalUrl({
      name: 'MODEL_BASE_URL',
      schemes: ['https', 'http'],
      sentence: 'OpenAI-compatible endpoint, up to and with `/v1`. Without it the built-in offline model answers.',
    }),
    apiKey: optionalText({
      name: 'MODEL_API_KEY',
      pattern: MODEL_API_KEY,
      kind: 'a key of visible ASCII characters without spaces',
      secret: true,
      sentence: 'Key sent to the endpoint as a bearer token.',
    }),
    model: optionalText({
      name: 'MODEL_NAME',
      pattern: /^[\x21-\x7e]{1,200}$/,
      kind: 'a model name of at most 200 visible ASCII characters without spaces',
      sentence: 'Model to ask the endpoint for.',
    }),
    allowPrivate: oneOf({
      name: 'MODEL_ALLOW_PRIVATE',
      words: ['on', 'off'],
      default: 'off',
      sentence:
        'Whether the endpoint may be in a private network. One at `localhost`, or at a loopback address in the URL, always may.',
    }),
    file: optionalFile({
      name: 'MODELS_FILE',
      sentence: 'Several models and providers, in place of `MODEL_BASE_URL`: see [the guide](../guides/models.md).',
    }),
    connectTimeoutMs: milliseconds(
      'MODEL_CONNECT_TIMEOUT_MS',
      10_000,
      'Longest wait for a connection to the endpoint.',
    ),
    firstByteTimeoutMs: milliseconds(
      'MODEL_FIRST_BYTE_TIMEOUT_MS',
      60_000,
      'Longest wait for the first byte of an answer.',
    ),
    chunkTimeoutMs: milliseconds('MODEL_CHUNK_TIMEOUT_MS', 30_000, 'Longest silence within an answer.'),
    totalTimeoutMs: milliseconds('MODEL_TOTAL_TIMEOUT_MS', 300_000, 'Longest time an answer may take in all.'),
  },
  mail: {
    url: optionalUrl({
      name: 'SMTP_URL',
      schemes: ['smtp', 'smtps'],
      secret: true,
      sentence: 'Mail server, with user and password if need be. Without it nothing is sent by mail.',
    }),
    from: text({
      name: 'MAIL_FROM',
      pattern:
        /^(?:[^\p{Cc}<>"@]+ <[^\p{Cc}\s,;:()<>"@]+@[^\p{Cc}\s,;:()<>"@]+>|[^\p{Cc}\s,;:()<>"@]+@[^\p{Cc}\s,;:()<>"@]+)$/u,
      kind: 'a sender such as Evenkeel <no-reply@example.com> or no-reply@example.com, its address without blanks, a second @ and , ; : ( ) < > "',
      default: 'Evenkeel <no-reply@localhost>',
      sentence: 'Sender of mail.',
    }),
  },
  jobs: {
    concurrency: integer({
      name: 'JOB_CONCURRENCY',
      from: 1,
      to: 100,
      unit: 'jobs',
      default: 5,
      sentence: 'Jobs in the background that a process works on at the same time.',
    }),
  },
  telemetry: telemetryVariables,
  activity: {
    retentionDays: integer({
      name: 'ACTIVITY_RETENTION_DAYS',
      from: 1,
      to: 3650,
      unit: 'days',
      default: 400,
      sentence: 'Time for which activity is kept; it goes by whole months.',
    }),
  },
  log: {
    level: oneOf({
      name: 'LOG_LEVEL',
      words: logLevels,
      default: 'info',
      sentence: 'Lines below this level are not written.',
    }),
  },
};
