import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from '../../test/harness/listen.ts';
import { listSecrets, loadConfig } from '../platform/config/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { startTracing } from './start-tracing.ts';

test('a collector is sent the headers that it knows the operator by, which the log is to keep', async () => {
  const seen: unknown[] = [];
  const collector = createServer((request, response) => {
    seen.push([request.headers.authorization, request.headers['x-team']]);
    response.end('{}');
  });
  onTestFinished(() => void collector.close());
  const port = await listen(collector);
  const config = loadConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a=b, x-team=42',
  });
  const tracing = await startTracing(config, createLogger({ level: 'silent' }));
  tracing?.start('a request', undefined).end();
  await tracing?.close();
  expect(seen).toEqual([['Bearer a=b', '42']]);
  expect(listSecrets(config)).toContain('authorization=Bearer%20a=b');
});

test.each([
  ['01', '01'],
  ['ff', '01'],
  ['00', '00'],
])(
  'of a trace with the flags %s, what is told on has %s: one that its caller does not keep is not sent',
  async (...row) => {
    const [flags, toldOn] = row;
    let sent = 0;
    const collector = createServer((_request, response) => {
      sent++;
      response.end('{}');
    });
    onTestFinished(() => void collector.close());
    const port = await listen(collector);
    const config = loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
    const tracing = await startTracing(config, createLogger({ level: 'silent' }));
    const span = tracing?.start('a request', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-${flags}`);
    expect(span?.traceparent).toMatch(new RegExp(`^00-a{32}-[0-9a-f]{16}-${toldOn}$`));
    span?.end();
    await tracing?.close();
    expect(sent).toBe(Number(toldOn));
  },
);

test('the log is told once when a collector takes no traces any more, and when it does again', async () => {
  let status = 404;
  let asked = 0;
  const collector = createServer((request, response) => {
    asked++;
    response.statusCode = status;
    request.resume().on('end', () => response.end('{}'));
  });
  onTestFinished(() => void collector.close());
  const port = await listen(collector);
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } });
  const config = loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
  const tracing = await startTracing(config, log);
  const send = async (batches: number) => {
    // So many are sent at once, without waiting for more.
    for (let span = 0; span < 512; span++) tracing?.start('a request', undefined).end();
    await expect.poll(() => asked, { timeout: 10_000 }).toBe(batches);
  };
  await send(1);
  await send(2);
  await expect.poll(() => lines).toHaveLength(1);
  status = 200;
  await send(3);
  await expect.poll(() => lines).toHaveLength(2);
  // Nor does it fail who stops.
  status = 404;
  tracing?.start('a request', undefined).end();
  await tracing?.close();
  expect(lines[0]).toContain('OTEL_EXPORTER_OTLP_ENDPOINT');
  expect(lines[0]).toContain('"err":{');
  expect(lines[1]).toContain('takes traces again');
});

test.each(['authorization', '=x', 'a=%zz', 'a=%ff', 'a b=c'])('headers of another form are refused: %s', (headers) => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://localhost:4318';
  const load = () => loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: headers });
  expect(load).toThrow(/OTEL_EXPORTER_OTLP_HEADERS/);
});
