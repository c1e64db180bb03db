import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../frame/bench.ts';
import { interleave } from '../frame/interleave.ts';
import { readLines, spawnScript } from '../stage/child-server.ts';
import { timeNpmStart } from '../stage/product.ts';
import type { Stage } from '../stage/stage.ts';

const baseline = fileURLToPath(new URL('../baselines/postgres-start.ts', import.meta.url));

/** Seconds from `npm start` to ready, and stops it again. */
async function startOurs(stage: Stage): Promise<number> {
  return (await timeNpmStart({ DATA_DIR: join(stage.directory, 'ready') })) / 1000;
}

/** Seconds that the embedded Postgres alone takes. */
async function startBare(stage: Stage): Promise<number> {
  const child = spawnScript(baseline, ['--data-dir', join(stage.directory, 'ready-bare')]);
  const ended = once(child, 'exit');
  const [, tookMs] = await readLines(child, 2);
  await ended;
  return Number(tookMs) / 1000;
}

/** From the command to ready, when everything was set up by an earlier start, against the embedded Postgres alone. */
export const ready: Bench = {
  name: 'ready',
  async measure(stage) {
    await startOurs(stage);
    await startBare(stage);
    const [ours = [], bare = []] = await interleave(
      () => startOurs(stage),
      () => startBare(stage),
    );
    const bound = { of: 'excess', sense: 'at most', limit: 1.5 } as const;
    return [{ name: 'ready after npm start, second start', unit: 's', ours, baseline: bare, bound }];
  },
};
