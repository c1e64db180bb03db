import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { findFreePort } from '../harness/find-free-port.ts';
import { type Product, startProduct } from '../harness/product.ts';
import { startStubProvider } from '../stubs/provider.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { x: number; y: number; w: number; h: number };
  readonly targets?: readonly { refId: string; expr: string }[];
}

const dashboard = JSON.parse(readFileSync(`${import.meta.dirname}/../../docs/grafana/evenkeel.json`, 'utf8')) as {
  uid: string;
  title: string;
  schemaVersion: number;
  panels: Panel[];
  templating: { list: { name: string }[] };
};
const targets = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

/** What only shows up in trouble, or after a while: their queries have no samples on a server that is well. */
const quiet = [
  'evenkeel_statement_failures_total',
  'evenkeel_statement_refused_total',
  'evenkeel_job_duration_seconds',
];

const isQuiet = (expr: string): boolean => quiet.some((name) => expr.includes(name));
const namesIn = (expr: string): string[] => expr.match(/\b(?:evenkeel|nodejs|process)_\w+/g) ?? [];

/** The product after requests that succeed and fail, with a streamed turn. */
async function startUsedProduct(): Promise<Product> {
  const provider = await startStubProvider();
  onTestFinished(() => provider.close());
  const product = await startProduct({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' });
  onTestFinished(() => product.stop());
  await use(product);
  return product;
}

async function use(product: Product): Promise<void> {
  const user = await product.createUser();
  const id = await product.createSession(user);
  const turn = await product.request(user, 'POST', `/v1/chat/sessions/${id}/messages`, { content: 'Hi', stream: true });
  await turn.text();
  await product.request(user, 'GET', '/v1/nowhere');
}

const scrape = async ({ url }: Product): Promise<string> => (await fetch(`${url}/metrics`)).text();

test('every panel has a place of its own and every query an id of its own', () => {
  expect(dashboard).toMatchObject({ uid: 'evenkeel', title: 'Evenkeel', schemaVersion: expect.any(Number) });
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    expect(x + w).toBeLessThanOrEqual(24);
    return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`);
  });
  expect(new Set(cells).size).toBe(cells.length);
  for (const { targets: own = [] } of dashboard.panels) {
    expect(new Set(own.map(({ refId }) => refId)).size).toBe(own.length);
  }
});

test('every query of the dashboard asks for metrics that a server in use has', async () => {
  const text = await scrape(await startUsedProduct());
  const served = new Set([...text.matchAll(/^(\w+)(?:\{| )/gm)].map(([, name]) => name));
  const asked = targets.filter(({ expr }) => !isQuiet(expr)).flatMap(({ expr }) => namesIn(expr));
  expect(asked.length).toBeGreaterThan(30);
  expect(asked.filter((name) => !served.has(name))).toEqual([]);
});

function findPrometheus(): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      return readFileSync(join(folder, 'prometheus')).length > 0;
    } catch {
      return false;
    }
  });
}

/** Starts a Prometheus that reads the product's metrics every second; answers how to ask it. */
async function startPrometheus(product: Product): Promise<(query: string) => Promise<unknown[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-prometheus-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, 'prometheus.yml');
  const scraped = `[{job_name: evenkeel, static_configs: [{targets: ['${new URL(product.url).host}']}]}]`;
  await writeFile(config, `global: {scrape_interval: 1s}\nscrape_configs: ${scraped}\n`);
  const address = `127.0.0.1:${await findFreePort()}`;
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${folder}`, `--web.listen-address=${address}`];
  const child = spawn('prometheus', flags, { stdio: 'ignore' });
  onTestFinished(async () => {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
  });
  return async (query) => {
    const url = `http://${address}/api/v1/query?query=${encodeURIComponent(query)}`;
    const answer = (await (await fetch(url)).json()) as { status: string; error?: string; data: { result: unknown[] } };
    if (answer.status !== 'success') throw new Error(`${query}: ${answer.error}`);
    return answer.data.result;
  };
}

test.runIf(findPrometheus())('Prometheus answers every query of the dashboard with samples', async () => {
  const product = await startUsedProduct();
  const ask = await startPrometheus(product);
  const filled = (expr: string): string => expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '30s');
  const giveUpAtMs = performance.now() + 30_000;
  let empty = targets;
  while (empty.length > 0 && performance.now() < giveUpAtMs) {
    await use(product);
    await sleep(1_000);
    const answers = await Promise.all(empty.map(({ expr }) => ask(filled(expr)).catch(() => [])));
    empty = empty.filter(({ expr }, index) => !isQuiet(expr) && answers[index]?.length === 0);
  }
  expect(empty).toEqual([]);
  // The quiet ones are well formed all the same.
  for (const { expr } of targets) await ask(filled(expr));
});

test('the time of requests leaves out how long WebSockets are open', () => {
  const times = targets.filter(({ title }) => title === 'Time of requests');
  expect(times.length).toBeGreaterThan(0);
  for (const { expr } of times) expect(expr).toContain('status!="1xx"');
});
