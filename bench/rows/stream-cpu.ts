import { fileURLToPath } from 'node:url';
import type { Bench } from '../frame/bench.ts';
import { interleave } from '../frame/interleave.ts';
import { readLines, spawnScript } from '../stage/child-server.ts';
import { startProvider } from '../stage/stub-provider.ts';

const script = fileURLToPath(new URL('../baselines/read-streams.ts', import.meta.url));

/** Chunks of a stream: a long answer. */
const WORDS = 2_000;

/** Has a process of its own read streams; answers the CPU of a chunk in µs. */
async function measureReader(reader: 'raw' | 'gateway', providerUrl: string): Promise<number> {
  const [line] = await readLines(spawnScript(script, ['--reader', reader, '--provider-url', providerUrl]), 1);
  return Number(line);
}

/** What a streamed chunk costs on its way through the model gateway, against reading it with as little as possible. */
export const streamCpu: Bench = {
  name: 'stream-cpu',
  async measure() {
    await using provider = await startProvider(Array(WORDS).fill('word').join(' '));
    const [mine = [], theirs = []] = await interleave(
      () => measureReader('gateway', provider.url),
      () => measureReader('raw', provider.url),
    );
    return [
      {
        name: 'CPU per streamed chunk',
        unit: 'µs',
        ours: mine,
        baseline: theirs,
        bound: { of: 'ratio', sense: 'at most', limit: 3 },
      },
    ];
  },
};
