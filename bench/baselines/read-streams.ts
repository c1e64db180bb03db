/**
 * Reads streams of a provider one after the other and writes how much CPU a chunk took, in µs: with undici, eventsource-parser
 * and JSON.parse alone (`raw`), or by the model gateway (`gateway`). `--reader raw --provider-url http://…/v1`
 */
import { parseArgs } from 'node:util';
import { createParser } from 'eventsource-parser';
import { Pool } from 'undici';
import { Deadline } from '../../src/base/deadline.ts';
import { createModels } from '../../src/core/models/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';

const WARM_UP_STREAMS = 20;
const MEASURED_STREAMS = 60;
const AMPLE_MS = 60_000;

const { values } = parseArgs({ options: { reader: { type: 'string' }, 'provider-url': { type: 'string' } } });
const url = new URL(values['provider-url'] ?? '');
const request = { model: 'stub', messages: [{ role: 'user' as const, content: 'A question of the bench' }] };

/** Reads one stream; answers how many chunks it had. */
type Read = () => Promise<number>;

function readRaw(): Read {
  const pool = new Pool(url.origin, { connections: 1 });
  return async () => {
    const { body } = await pool.request({
      method: 'POST',
      path: `${url.pathname}/chat/completions`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
    });
    let chunkCount = 0;
    const parser = createParser({
      onEvent: ({ data }) => {
        if (data !== '[DONE]' && JSON.parse(data)) chunkCount++;
      },
    });
    const decoder = new TextDecoder();
    for await (const bytes of body) parser.feed(decoder.decode(bytes, { stream: true }));
    return chunkCount;
  };
}

function readByGateway(): Read {
  const timeouts = {
    ...{ connectTimeoutMs: AMPLE_MS, firstByteTimeoutMs: AMPLE_MS },
    ...{ chunkTimeoutMs: AMPLE_MS, totalTimeoutMs: AMPLE_MS },
  };
  const target = { ...timeouts, name: 'bench', baseUrl: url.href, model: 'stub', retries: 0, allowPrivate: true };
  const log = createLogger({ level: 'error' });
  const models = createModels({ models: [{ name: 'stub', targets: [target] }], log });
  return async () => {
    const deadline = Deadline.after(AMPLE_MS);
    let chunkCount = 0;
    await models.stream(request, { deadline }, () => {
      chunkCount++;
      return undefined;
    });
    deadline.end();
    return chunkCount;
  };
}

const read = values.reader === 'raw' ? readRaw() : readByGateway();
for (let stream = 0; stream < WARM_UP_STREAMS; stream++) await read();
let chunkCount = 0;
const before = process.cpuUsage();
for (let stream = 0; stream < MEASURED_STREAMS; stream++) chunkCount += await read();
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${(user + system) / chunkCount}\n`);
process.exit();
