import { describe, expect, test } from 'vitest';
import { listProblems } from '../../../test/harness/list-problems.ts';
import { listSecrets, loadConfig } from './index.ts';

const SMTP_URL = 'smtp://mail.example.com';
const models = { MODEL_BASE_URL: 'https://models.example.com/v1', MODEL_NAME: 'small' };

describe('loadConfig', () => {
  test('an empty environment gives the defaults, without a database and without a model', () => {
    const config = loadConfig({ PATH: '/bin', PGHOST: 'elsewhere', SESSION_MANAGER: 'x', LOG_FORMAT: 'x' });
    expect(config.http).toMatchObject({ port: 8000, host: '127.0.0.1', corsOrigins: [], bodyLimitBytes: 1_048_576 });
    expect(config.database).toMatchObject({ url: undefined, poolSize: 10, poolOverflow: 20, poolWaitMs: 500 });
    expect(config.models).toMatchObject({ baseUrl: undefined, firstByteTimeoutMs: 60_000 });
    expect(config.data.directory).toBe('./data');
    expect(config.log.level).toBe('info');
  });

  test('values are read in the type they have', () => {
    const config = loadConfig({
      ...models,
      PORT: '0',
      DATABASE_URL: 'postgresql://u@h/d',
      CORS_ORIGINS: 'https://app.example.com, http://localhost:3000, capacitor://localhost',
      TRUSTED_PROXIES: '10.0.0.0/8,::1,fd00::/8',
      LOG_LEVEL: 'debug',
    });
    expect(config.http.port).toBe(0);
    expect(config.http.corsOrigins).toEqual([
      'https://app.example.com',
      'http://localhost:3000',
      'capacitor://localhost',
    ]);
    expect(config.http.trustedProxies).toEqual(['10.0.0.0/8', '::1', 'fd00::/8']);
    expect(config.models).toMatchObject({ baseUrl: models.MODEL_BASE_URL, model: 'small', apiKey: undefined });
    expect(config.log.level).toBe('debug');
  });

  test('all problems are listed at once, a line each', () => {
    const environment = { DATABASE_POOL_SIZE: 'ten', LOG_LEVEL: 'loud', DATABASE_URL: '', MODEL_NAME: 'small' };
    expect(listProblems(environment)).toEqual([
      'DATABASE_URL: set but empty: remove it or give it a value',
      'DATABASE_POOL_SIZE: "ten" is not an integer from 1 to 1000',
      'LOG_LEVEL: "loud" is not one of trace, debug, info, warn, error, fatal, silent',
      'MODEL_NAME: needs MODEL_BASE_URL beside it',
    ]);
    expect(() => loadConfig(environment)).toThrow(listProblems(environment).join('\n'));
  });

  test.each(['', ' ', '1.5', '1e3', '0x10', '+5', '-1', ' 5', '007', '65536', '9'.repeat(400), 'NaN', 'Infinity', '٣'])(
    'a port of %j is refused',
    (value) => {
      expect(listProblems({ PORT: value })).toHaveLength(1);
    },
  );

  test.each([
    '*',
    'null',
    'https://a.example/',
    'https://A.example',
    'a.example',
    'https://a.example:443',
    'https://a.example,',
    'https://*.example',
    'wss://a.example',
    'capacitor://',
    'capacitor://localhost/',
  ])('an origin of %j is refused, because no browser sends it', (value) => {
    expect(listProblems({ CORS_ORIGINS: value })).toHaveLength(1);
  });

  test.each(['10.0.0.0/33', '10.0.0', 'proxy', '10.0.0.1/', '::1/129', '10.0.0.1/8/8', '0.0.0.0/0', '::/0', '*'])(
    'a proxy of %j is refused',
    (value) => {
      expect(listProblems({ TRUSTED_PROXIES: value })).toHaveLength(1);
    },
  );

  test.each([
    'postgres://u:a#b@h/d',
    'postgres://u:1#b@h/d',
    'postgres://u:a/b@h/d',
    'postgres://u:1/b@h/d',
    'postgres://u:1?b@h/d',
    'postgres://u:a@b/c@h/d',
    'postgres://u:a@b?c@h/d',
    'postgres://a:1,b:1/d',
    'postgres://a,b/d',
    'postgres://u:p@/d?host=/var/run/postgresql',
  ])('a database URL of %j is refused, with how it is written', (value) => {
    expect(listProblems({ DATABASE_URL: value }).join()).toMatch(
      /of one host, its user and password percent-encoded .* by a Unix socket postgres:/,
    );
  });

  test.each([
    'postgres://h/d?user=a@b',
    'postgres://u:p@h/d?application_name=a@b&sslrootcert=/a@b.pem',
    'postgres://u@server:p@[::1]:5432/d',
    'postgres:///d?host=/var/run/postgresql',
  ])('a database URL of %j is taken as it stands', (value) => {
    expect(loadConfig({ DATABASE_URL: value }).database.url).toBe(value);
  });

  test.each(['mysql://h/d', 'h/d', 'https://h/d', 'postgres:d'])('a database URL of %j is refused', (value) => {
    expect(listProblems({ DATABASE_URL: value })).toHaveLength(1);
  });

  test.each([
    'redis://h/cache',
    'redis://h/0/',
    'redis://h?db=cache',
    'redis://u:a%zz@h',
    'redis://a%4:1@h',
    'redis:h',
    'REDISS://h',
    'http://h',
  ])('a Redis URL of %j is refused, which its client cannot read', (value) => {
    expect(listProblems({ REDIS_URL: value })).toEqual([
      expect.stringMatching(/^REDIS_URL: the value is not a URL that/),
    ]);
  });

  test.each([
    'redis://h',
    'redis://h/',
    'redis://:a%25b@h:6380/15',
    'rediss://u@h/0?family=6',
    'redis://h?db=2',
    'redis://[::1]:1',
  ])('a Redis URL of %j is taken', (value) => {
    expect(listProblems({ REDIS_URL: value })).toEqual([]);
  });

  test.each([
    'a,b@acme.com',
    'a;b@acme.com',
    'a:b@acme.com',
    'a(b)@acme.com',
    '"a"@acme.com',
    'a@b@acme.com',
    'a b@acme.com',
    'a@acme.com,b',
    'acme.com',
    'Acme <a,b@acme.com>',
    'Acme <group:b@acme.com>',
    'Acme <a b@acme.com>',
    'Acme <a@b@acme.com>',
    'Acme <a@acme.com> <b@acme.com>',
    'a@acme.com <b@acme.com>',
  ])('a sender of %j is refused, and what is expected is said', (value) => {
    expect(listProblems({ SMTP_URL, MAIL_FROM: value })).toEqual([
      expect.stringContaining(
        'is not a sender such as Evenkeel <no-reply@example.com> or no-reply@example.com, its address without blanks',
      ),
    ]);
  });

  test.each(['no-reply@acme.com', 'Acme, Inc. <no-reply@acme.com>', 'Support: Acme <a.b+c@mail.acme.com>'])(
    'a sender of %j is taken as it is',
    (value) => {
      expect(loadConfig({ SMTP_URL, MAIL_FROM: value }).mail.from).toBe(value);
    },
  );

  test('every variable that is set but empty is refused, and none falls back to its default', () => {
    for (const name of ['PORT', 'DATABASE_URL', 'MODEL_BASE_URL', 'CORS_ORIGINS', 'LOG_LEVEL', 'DATA_DIR']) {
      expect(listProblems({ [name]: '' })).toContain(`${name}: set but empty: remove it or give it a value`);
    }
  });

  test.each(['"ek"', "'ek'", '""', '"a\nb"'])('a value in quotation marks is refused: %s', (value) => {
    for (const name of ['DATA_DIR', 'METRICS_TOKEN'])
      expect(listProblems({ [name]: value })).toEqual([expect.stringMatching(`^${name}: in quotation marks, `)]);
  });

  test('what Kubernetes sets for a service is left alone, be it named like a variable of ours', () => {
    const service = {
      DATABASE_SERVICE_HOST: '10.0.0.1',
      DATABASE_SERVICE_PORT: '5432',
      DATABASE_SERVICE_PORT_SQL: '5432',
      DATABASE_PORT: 'tcp://10.0.0.1:5432',
      DATABASE_PORT_5432_TCP_ADDR: '10.0.0.1',
    };
    expect(listProblems(service)).toEqual([]);
    expect(listProblems({ DATABASE_PORT: '5432' })).toHaveLength(1);
  });

  test('an unknown name that looks like ours is refused with the name it is nearest to', () => {
    expect(listProblems({ DATABASE_POOLSIZE: '5', MODEL_KEY: 'x', MODEL_URL: 'x' })).toEqual([
      'DATABASE_POOLSIZE: there is no such variable; did you mean DATABASE_POOL_SIZE?',
      'MODEL_KEY: there is no such variable; did you mean MODEL_API_KEY?',
      'MODEL_URL: there is no such variable; did you mean MODEL_BASE_URL?',
    ]);
  });

  test.each([
    ['REDIS_URI', 'REDIS_URL'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['METRIC_TOKEN', 'METRICS_TOKEN'],
  ])('a name that is a letter away from one of ours is refused: %s', (slip, name) => {
    expect(listProblems({ [slip]: 'x' })).toEqual([`${slip}: there is no such variable; did you mean ${name}?`]);
  });

  test('names of other programs are left alone', () => {
    expect(listProblems({ HOSTS: 'x', POST: 'x', SFTP_URL: 'x', REDIS_TLS_URL: 'x', XDG_DATA_DIRS: 'x' })).toEqual([]);
  });

  test.each([
    [{ DATABASE_DIRECT_URL: 'postgres://h/d' }, 'DATABASE_DIRECT_URL: needs DATABASE_URL beside it'],
    [
      { ...models, MODEL_BASE_URL: 'https://m.example/v1/chat/completions?api-version=1' },
      'MODEL_BASE_URL: goes beyond /v1; leave /chat/completions away',
    ],
    [{ MODEL_API_KEY: 'abc' }, 'MODEL_API_KEY: needs MODEL_BASE_URL beside it'],
    [{ MODEL_BASE_URL: 'https://m.example/v1' }, 'MODEL_BASE_URL: needs MODEL_NAME beside it'],
    [{ MAIL_FROM: 'no-reply@m.example' }, 'MAIL_FROM: needs SMTP_URL beside it'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=b' }, 'OTEL_EXPORTER_OTLP_HEADERS: needs OTEL_EXPORTER_OTLP_ENDPOINT beside it'],
    [
      { ...models, MODEL_BASE_URL: 'https://user:pw@m.example/v1' },
      'MODEL_BASE_URL: holds a user or a password; the key has a place of its own',
    ],
  ])('variables that need another are refused without it: %j', (environment, problem) => {
    expect(listProblems(environment as unknown as Record<string, string>)).toEqual([problem]);
  });

  test('the name of a model is no longer than callers can ask for', () => {
    expect(loadConfig({ ...models, MODEL_NAME: 'n'.repeat(200) }).models.model).toHaveLength(200);
    const [problem] = listProblems({ ...models, MODEL_NAME: 'n'.repeat(201) });
    expect(problem).toMatch(
      /^MODEL_NAME: .* is not a model name of at most 200 visible ASCII characters without spaces$/,
    );
  });

  test('a secret is quoted in no problem, not even one that stands in the wrong variable', () => {
    const canary = 'canaryqX7z';
    const environment = {
      DATABASE_URL: `mysql://u:${canary}@h/d`,
      DATABASE_DIRECT_URL: canary,
      MODEL_API_KEY: `two ${canary}`,
      MODEL_BASE_URL: `ftp://u:${canary}@h`,
      DATABASE_POOL_SIZE: `postgres://u:${canary}@h/d`,
      HOST: `sk-${canary}abcdef !`,
    };
    expect(listProblems(environment).length).toBeGreaterThan(5);
    expect(listProblems(environment).join()).not.toContain(canary);
  });

  test('the configuration cannot be changed', () => {
    const config = loadConfig({ CORS_ORIGINS: 'https://a.example' });
    for (const part of [config, ...Object.values(config), config.http.corsOrigins, config.http.trustedProxies]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });
});

test('listSecrets gives every secret that is set, for the log to mask', () => {
  const secrets = { DATABASE_URL: 'postgres://u:p@h/d', MODEL_API_KEY: 'abcdefghijkl' };
  expect(listSecrets(loadConfig({ ...models, ...secrets }))).toEqual(Object.values(secrets));
});
