import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from '../../../test/harness/listen.ts';
import { ServerProbe } from './server-probe.ts';

const health = { database: { pool: { total: 1, checked_out: 2, waiting: 3 } }, cache: { hit_rate: 0.4 } };

/** The metrics of a server that has answered so many requests of users, in so many seconds. */
const metricsOf = (count: number, seconds: number): string => `
process_resident_memory_bytes 5000
evenkeel_event_loop_utilisation_ratio 0.6
evenkeel_event_loop_utilisation_ratio_of_another 0.1
evenkeel_http_request_duration_seconds_count{route="/v1/me",method="GET",status="2xx"} ${count - 1}
evenkeel_http_request_duration_seconds_count{route="/v1/me",method="GET",status="4xx"} 1
evenkeel_http_request_duration_seconds_sum{route="/v1/me",method="GET",status="2xx"} ${seconds}
${['/health', '/metrics', '/v1/chat/ws'].map((route) => `evenkeel_http_request_duration_seconds_count{route="${route}"} ${count}`).join('\n')}
evenkeel_http_request_duration_seconds_sum{route="/v1/chat/ws"} ${seconds}
`;

/** A server that answers with these metrics whoever has the token. */
async function serve(answers: string[], token?: string): Promise<{ url: URL; metricsToken: string | undefined }> {
  const server = createServer(({ url, headers }, response) => {
    if (url === '/health') response.end(JSON.stringify(health));
    else if (headers.authorization !== (token && `Bearer ${token}`)) response.writeHead(401).end(metricsOf(1, 1));
    else response.end(answers.shift());
  });
  onTestFinished(() => void server.close());
  return { url: new URL(`http://127.0.0.1:${await listen(server)}`), metricsToken: token };
}

const ofHealth = { poolInUse: 2, poolWaiting: 3, poolOpen: 1, cacheHitRate: 0.4 };

test('tells what the server says of itself, and the mean of the requests of users since the last time', async () => {
  const probe = new ServerProbe(await serve([metricsOf(100, 20), metricsOf(120, 21), metricsOf(120, 21)], 'secret'));
  const ofMetrics = { loopBusy: 0.6, memoryBytes: 5000 };
  // The first tells of what was before the test.
  expect(await probe.read()).toEqual({ ...ofHealth, ...ofMetrics, meanMs: undefined });
  expect(await probe.read()).toMatchObject({ ...ofMetrics, meanMs: 50 });
  expect(await probe.read()).toMatchObject({ meanMs: undefined });
});

test('has gaps where the server does not say, or not to us', async () => {
  const { url } = await serve([], 'secret');
  const gaps = { meanMs: undefined, loopBusy: undefined, memoryBytes: undefined };
  expect(await new ServerProbe({ url, metricsToken: undefined }).read()).toEqual({ ...ofHealth, ...gaps });
  const nowhere = { url: new URL('http://127.0.0.1:1'), metricsToken: undefined };
  expect(await new ServerProbe(nowhere).read()).toMatchObject({ poolOpen: undefined, memoryBytes: undefined });
});
