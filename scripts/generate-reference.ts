import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { createServerMetrics } from '../src/app/metrics/server-metrics.ts';
import { renderConfigReference } from '../src/platform/config/index.ts';
import { renderMetricsReference } from '../src/platform/telemetry/index.ts';
import { findErrorSets } from './find-error-sets.ts';
import { renderErrorPages } from './render-error-pages.ts';
import { renderReadme, renderSpeedPlot, type SpeedResults } from './render-speed.ts';

// Writes the pages that are generated from the code: those of docs/reference, and the errors of each assistant in its folder;
// and the table and the picture of speed from the results of the benches. With `--check` it writes nothing and fails when one
// differs.

const root = `${import.meta.dirname}/..`;
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

const speed: SpeedResults = JSON.parse(await readFile(`${root}/docs/speed/results.json`, 'utf8'));

const pages = {
  'README.md': renderReadme(await readFile(`${root}/README.md`, 'utf8'), speed),
  'docs/speed/speed.svg': renderSpeedPlot(speed),
  'docs/reference/configuration.md': renderConfigReference(),
  'docs/reference/metrics.md': renderMetricsReference(createServerMetrics().registry),
  ...renderErrorPages(await findErrorSets(root)),
};

for (const [path, text] of Object.entries(pages)) {
  if (values.check) {
    const written = await readFile(`${root}/${path}`, 'utf8').catch(() => undefined);
    if (written === text) continue;
    console.error(`${path} is not what the code says. Run "npm run generate" and commit the page.`);
    process.exitCode = 1;
  } else {
    await mkdir(`${root}/docs/reference`, { recursive: true });
    await writeFile(`${root}/${path}`, text);
  }
}
