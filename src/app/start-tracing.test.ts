import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { listSecrets, loadConfig } from '../platform/config/index.ts';
import { startTracing } from './start-tracing.ts';

test('a collector is sent the headers that it knows the operator by, which the log is to keep', async () => {
  const seen: unknown[] = [];
  const collector = createServer((request, response) => {
    seen.push([request.headers.authorization, request.headers['x-team']]);
    response.end('{}');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void collector.close());
  await once(collector, 'listening');
  const { port } = collector.address() as AddressInfo;
  const config = loadConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a=b, x-team=42',
  });
  const tracing = await startTracing(config);
  tracing?.start('a request', undefined).end();
  await tracing?.close();
  expect(seen).toEqual([['Bearer a=b', '42']]);
  expect(listSecrets(config)).toContain('authorization=Bearer%20a=b');
});

test.each(['authorization', '=x', 'a=%zz', 'a=%ff', 'a b=c'])('headers of another form are refused: %s', (headers) => {
  expect(() => loadConfig({ OTEL_EXPORTER_OTLP_HEADERS: headers })).toThrow(/OTEL_EXPORTER_OTLP_HEADERS/);
});
