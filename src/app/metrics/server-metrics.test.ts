import { beforeEach, expect, test } from 'vitest';
import { sampleOf } from '../../../test/harness/sample-of.ts';
import type { JobStats } from '../../platform/jobs/index.ts';
import type { PoolStatus } from '../../platform/postgres/index.ts';
import { createServerMetrics, type ServerMetrics } from './server-metrics.ts';

let metrics: ServerMetrics;
beforeEach(() => {
  metrics = createServerMetrics();
});

/** The samples of these names, with their labels. */
async function samplesOf(names: readonly string[]): Promise<Record<string, number>> {
  const text = await metrics.registry.metrics();
  return Object.fromEntries(names.map((name) => [name, sampleOf(text, name)]));
}

async function expectSamples(expected: Record<string, number>): Promise<void> {
  expect(await samplesOf(Object.keys(expected))).toEqual(expected);
}

test('a request is of the class of its status, 499 among those that the client is to blame for', async () => {
  const request = { route: '/v1/me', method: 'GET', durationMs: 1_500, isFailed: false };
  metrics.http.observe({ ...request, status: 499, code: undefined });
  await expectSamples({
    'evenkeel_http_request_duration_seconds_sum{route="/v1/me",method="GET",status="4xx"}': 1.5,
  });
});

test('requests, streams and WebSockets that are open are counted apart', async () => {
  const lifecycle = { inFlight: new Set([1, 2, 3]), streams: new Set([1, 2]), sockets: new Set([1]) };
  metrics.http.watch({ lifecycle } as unknown as Parameters<ServerMetrics['http']['watch']>[0]);
  await expectSamples({
    evenkeel_http_requests_in_flight: 3,
    evenkeel_http_streams_open: 2,
    evenkeel_http_websockets_open: 1,
  });
});

test('a statement that got no connection has waited and failed, and took no time', async () => {
  metrics.statements.observe({ name: 'a.found', waitMs: 250, durationMs: 1_500, isFailed: false });
  metrics.statements.observe({ name: 'a.lost', waitMs: 500, durationMs: undefined, isFailed: true });
  await expectSamples({
    evenkeel_pool_wait_seconds_sum: 0.75,
    'evenkeel_statement_duration_seconds_sum{statement="a.found"}': 1.5,
    'evenkeel_statement_duration_seconds_count{statement="a.lost"}': NaN,
    'evenkeel_statement_failures_total{statement="a.found"}': NaN,
    'evenkeel_statement_failures_total{statement="a.lost"}': 1,
  });
});

test('a batch is counted with its inputs and its wait, and who is refused one', async () => {
  const { observe, onRefused } = metrics.statements.batches;
  observe({ name: 'a.shared', inputs: 7, waitMs: 250 });
  onRefused('a.shared');
  await expectSamples({
    'evenkeel_batch_callers_sum{statement="a.shared"}': 7,
    'evenkeel_batch_wait_seconds_sum{statement="a.shared"}': 0.25,
    'evenkeel_statement_refused_total{statement="a.shared"}': 1,
  });
});

test('a call of a model is counted with its tokens by kind, and with its first byte where it was streamed', async () => {
  const call = { model: 'm', target: 't', outcome: 'ok', durationMs: 1_500, promptTokens: 3, completionTokens: 5 };
  metrics.models.observe(call);
  metrics.models.observe({ ...call, firstByteMs: 250 });
  await expectSamples({
    'evenkeel_model_call_duration_seconds_sum{model="m",target="t",outcome="ok"}': 3,
    'evenkeel_model_first_byte_seconds_count{model="m",target="t"}': 1,
    'evenkeel_model_first_byte_seconds_sum{model="m",target="t"}': 0.25,
    'evenkeel_model_tokens_total{model="m",target="t",kind="prompt"}': 6,
    'evenkeel_model_tokens_total{model="m",target="t",kind="completion"}': 10,
  });
});

test('a target is open until its breaker is closed again', async () => {
  const states = ['closed', 'open', 'half-open'] as const;
  metrics.models.watch(() => states.map((state) => ({ model: 'm', target: state, state })));
  await expectSamples({
    'evenkeel_model_target_open{model="m",target="closed"}': 0,
    'evenkeel_model_target_open{model="m",target="open"}': 1,
    'evenkeel_model_target_open{model="m",target="half-open"}': 1,
  });
});

test('jobs are asked for once for all their metrics, each time, and are not there while nobody tells', async () => {
  let stats: JobStats | undefined = { waiting: 1, running: 2, failed: 3, oldest_waiting_seconds: 4.5 };
  let asked = 0;
  metrics.jobs.watch(async () => {
    asked++;
    return stats;
  });
  metrics.jobs.observe({ name: 'a.job', outcome: 'failed', durationMs: 1_500 });
  await expectSamples({
    'evenkeel_job_duration_seconds_sum{job="a.job",outcome="failed"}': 1.5,
    'evenkeel_jobs{state="waiting"}': 1,
    'evenkeel_jobs{state="running"}': 2,
    'evenkeel_jobs{state="failed"}': 3,
    evenkeel_jobs_oldest_waiting_seconds: 4.5,
  });
  stats = undefined;
  await expectSamples({ 'evenkeel_jobs{state="waiting"}': NaN, evenkeel_jobs_oldest_waiting_seconds: NaN });
  expect(asked).toBe(2);
});

test('each number of the pool and of a cache is its own', async () => {
  const pool = { total: 1, active: 2, idle: 3, waiting: 4, size: 5, overflow: 6, utilisation: 0.7 };
  metrics.pool.watch((): PoolStatus => ({ ...pool, status: 'WARNING' }));
  const kept = { tags: 1, sizeBytes: 2, hits: 3, misses: 4, evictions: 5, ttlMs: 6, hitRate: 0.7 };
  metrics.caches.watch({ c: { statistics: () => kept } });
  await expectSamples({
    'evenkeel_pool_connections{state="active"}': 2,
    'evenkeel_pool_connections{state="idle"}': 3,
    evenkeel_pool_connections_open: 1,
    evenkeel_pool_connections_kept: 5,
    evenkeel_pool_connections_overflow: 6,
    evenkeel_pool_waiting_callers: 4,
    evenkeel_pool_utilisation_ratio: 0.7,
    'evenkeel_pool_status{status="WARNING"}': 1,
    'evenkeel_pool_status{status="HEALTHY"}': 0,
    'evenkeel_cache_users{cache="c"}': 1,
    'evenkeel_cache_bytes{cache="c"}': 2,
    'evenkeel_cache_hits_total{cache="c"}': 3,
    'evenkeel_cache_misses_total{cache="c"}': 4,
    'evenkeel_cache_evictions_total{cache="c"}': 5,
  });
});

test('breakers, turns and limits are counted; what can be counted is there, as 0, before it happens', async () => {
  metrics.breakers.observe('redis', 'open');
  metrics.breakers.watch({ postgres: () => false, redis: () => true });
  metrics.turns.watch(() => 3);
  metrics.turns.observe({ status: 'completed' });
  metrics.limits.onRefused('day');
  await expectSamples({
    'evenkeel_breaker_changes_total{part="redis",state="open"}': 1,
    'evenkeel_breaker_open{part="postgres"}': 0,
    'evenkeel_breaker_open{part="redis"}': 1,
    evenkeel_turns_running: 3,
    'evenkeel_turns_ended_total{status="completed"}': 1,
    'evenkeel_turns_ended_total{status="stopped"}': 0,
    'evenkeel_turns_ended_total{status="failed",code="models.timeout"}': 0,
    'evenkeel_limit_refusals_total{limit="day"}': 1,
    'evenkeel_limit_refusals_total{limit="model_calls"}': 0,
    'evenkeel_http_errors_total{code="http.not_found"}': 0,
  });
});
