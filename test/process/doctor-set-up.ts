import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Client } from 'pg';
import { expect, vi } from 'vitest';
import { addDoctorCommand } from '../../src/app/doctor/doctor-command.ts';
import type { Finding, Level } from '../../src/app/doctor/finding.ts';
import { loadConfig } from '../../src/platform/config/index.ts';
import { listen } from '../harness/listen.ts';
import { startTestMailServer } from '../harness/mail-server.ts';
import { createTestDatabase } from '../harness/postgres.ts';
import { startTestRedis, type TestRedis } from '../harness/redis.ts';
import { AUDIENCE, startTestIssuer, type TestIssuer } from '../harness/test-issuer.ts';
import { startStubProvider } from '../stubs/provider.ts';

/** A set-up in which there is nothing to do, to plant troubles in. */
export interface SoundSetUp {
  readonly variables: Readonly<Record<string, string>>;
  readonly databaseUrl: string;
  /** On the database, as its owner. */
  readonly admin: Client;
  readonly redis: TestRedis;
  readonly issuer: TestIssuer;
  /** The HTTP status that the collector of traces answers. */
  collectorStatus: number;
  /** What the doctor finds wrong, with these variables beside those of the set-up; undefined takes one of them away. */
  diagnose(variables?: Record<string, string | undefined>, options?: DiagnoseOptions): Promise<Finding[]>;
  stop(): Promise<void>;
}

/** How the doctor is run. */
export interface DiagnoseOptions {
  /** The limit of open files, which takes a process of its own. */
  readonly files?: number;
  readonly args?: readonly string[];
}

const main = join(import.meta.dirname, '../../src/main.ts');
const exitCodes: Record<Level, number> = { ok: 0, advice: 1, broken: 2 };

/** A secret that must turn up nowhere. */
export const CANARY = 'sk-canary-5f0c9a1d7b';

function run(
  [command = '', ...args]: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH, ...variables };
    execFile(command, args, { env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

/** Runs a command of `main.ts` with these variables and none of the tests' own; answers its exit code and what it wrote. */
export const runCommand = (args: readonly string[], variables: Readonly<Record<string, string>>) =>
  run([process.execPath, main, ...args], variables);

/** Runs the doctor in this process: a process of its own spends ten times as long on starting as on looking. */
async function runDoctor(
  args: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): Promise<{ code: number; output: string }> {
  let output = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text;
    return true;
  });
  const program = new Command();
  addDoctorCommand(program, () => ({ config: loadConfig(variables) }));
  try {
    await program.parseAsync(['doctor', ...args], { from: 'user' });
    return { code: Number(process.exitCode ?? 0), output };
  } finally {
    write.mockRestore();
    process.exitCode = undefined;
  }
}

/** Starts a collector of traces that knows us by a key, or by it as a password, and answers with a status. */
async function startCollector(status: () => number) {
  const server = createServer((request, response) => {
    const known = [`Bearer ${CANARY}`, `Basic ${Buffer.from(`user:${CANARY}`).toString('base64')}`];
    const isKnown = known.includes(request.headers.authorization ?? '') && request.url === '/v1/traces';
    const isJson = request.headers['content-type'] === 'application/json';
    response.writeHead(isKnown ? (isJson ? status() : 415) : 401).end('{}');
  });
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** Starts a database, a Redis, a model and all else that there can be, all of them well. For a test file, in `beforeAll`; stop it in `afterAll`. */
export async function startSoundSetUp(): Promise<SoundSetUp> {
  const database = await createTestDatabase();
  const admin = await database.connect();
  const redis = await startTestRedis();
  const provider = await startStubProvider();
  const issuer = await startTestIssuer();
  const mail = await startTestMailServer();
  const collector = await startCollector(() => setUp.collectorStatus);
  const variables = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    MODEL_BASE_URL: provider.url,
    MODEL_API_KEY: CANARY,
    MODEL_NAME: 'stub',
    OIDC_ISSUER: issuer.issuer,
    OIDC_AUDIENCE: AUDIENCE,
    SMTP_URL: mail.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${CANARY}`,
  };
  const setUp: SoundSetUp = {
    variables,
    databaseUrl: database.url,
    admin,
    redis,
    issuer,
    collectorStatus: 200,
    async diagnose(changes = {}, { files, args = [] } = {}) {
      const all = { ...variables, ...changes };
      const doctor = [process.execPath, main, 'doctor', '--json', ...args];
      const { code, output } =
        files === undefined
          ? await runDoctor(['--json', ...args], all)
          : await run(['sh', '-c', `ulimit -n ${files}; exec "$@"`, 'sh', ...doctor], all);
      const { level, findings } = JSON.parse(output) as { level: Level; findings: Finding[] };
      expect(output).not.toContain(CANARY);
      expect(code).toBe(exitCodes[level]);
      for (const finding of findings) expect(finding.what_to_do === null, finding.what).toBe(finding.level === 'ok');
      return findings.filter((finding) => finding.level !== 'ok');
    },
    async stop() {
      await provider.close();
      await redis.stop();
      await database.drop();
      await issuer.close();
      await mail.close();
      collector.close();
    },
  };
  return setUp;
}
