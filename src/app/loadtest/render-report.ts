import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { escapeHtml } from '../../base/escape-html.ts';
import type { LoadPlan } from './load-plan.ts';
import { countErrorKinds, type Second, type Stage, shown } from './measurements.ts';

/** What a report shows. */
export interface LoadReport {
  readonly plan: LoadPlan;
  readonly stages: readonly Stage[];
  readonly seconds: readonly Second[];
  /** What the last stage did not keep to; empty when it passed. */
  readonly broken: readonly string[];
  /** When it was made. */
  readonly madeAt: Date;
}

/** A plot: lines over time, each with what is to be drawn of a second. */
interface Plot {
  readonly title: string;
  readonly unit: string;
  readonly lines: Readonly<Record<string, (second: Second) => number | null | undefined>>;
}

const plots: readonly Plot[] = [
  {
    title: 'Good answers',
    unit: 'a second',
    lines: { answers: (second) => second.answersPerSecond },
  },
  {
    title: 'Latency',
    unit: 'ms',
    lines: { p50: (second) => second.p50Ms, p95: (second) => second.p95Ms, p99: (second) => second.p99Ms },
  },
  { title: 'Errors', unit: 'in the second', lines: { errors: (second) => second.errors } },
  { title: 'Users', unit: 'busy', lines: { users: (second) => second.users } },
  {
    title: 'What the server itself measured of a request over HTTP',
    unit: 'ms on average',
    lines: { 'from headers to the end of the answer': ({ server }) => server.meanMs },
  },
  {
    title: "The server's event loop",
    unit: '% busy',
    lines: { busy: ({ server }) => server.loopBusy && server.loopBusy * 100 },
  },
  {
    title: "The server's memory",
    unit: 'MiB',
    lines: { resident: ({ server }) => server.memoryBytes && server.memoryBytes / 2 ** 20 },
  },
  {
    title: "The server's connections to its database",
    unit: 'connections, and callers that wait for one',
    lines: {
      'in use': ({ server }) => server.poolInUse,
      waiting: ({ server }) => server.poolWaiting,
      open: ({ server }) => server.poolOpen,
    },
  },
  {
    title: "The server's cache of callers",
    unit: '% hits',
    lines: { hits: ({ server }) => server.cacheHitRate && server.cacheHitRate * 100 },
  },
];

const colours = ['#0b6e4f', '#c2571a', '#7a1fa2'];

function row(stage: Stage): string {
  const cells = [stage.users, stage.answersPerSecond, stage.p50Ms, stage.p95Ms, stage.p99Ms, stage.errors];
  return `<tr>${cells.map((cell) => `<td>${shown(cell)}</td>`).join('')}</tr>`;
}

function errorList(stages: readonly Stage[]): string {
  const kinds = countErrorKinds(stages);
  if (kinds.size === 0) return '';
  return `<h2>What went wrong</h2><ul>${[...kinds].map(([kind, count]) => `<li>${escapeHtml(kind)}: ${shown(count)}</li>`).join('')}</ul>`;
}

/** What a script may hold: JSON in which no tag can begin. */
const scriptJson = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

/** What is to be drawn. A plot of what the server never said is left out. */
function plotData(seconds: readonly Second[]) {
  return plots.flatMap(({ title, unit, lines }) => {
    const values = Object.values(lines).map((line) => seconds.map((second) => line(second) ?? null));
    if (values.flat().every((value) => value === null)) return [];
    const data = [seconds.map(({ atSeconds }) => atSeconds), ...values];
    return [{ title: `${title}, ${unit}`, labels: Object.keys(lines), data }];
  });
}

const DRAW = `
for (const { title, labels, data } of plots) {
  const series = [{ label: 's' }, ...labels.map((label, index) => ({ label, stroke: colours[index], width: 2 }))];
  const scales = { x: { time: false }, y: { range: (_, least, most) => [0, most > 0 ? most * 1.1 : 1] } };
  new uPlot({ title, width: 860, height: 260, scales, series }, data, document.querySelector('main'));
}`;

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:900px;color:#1c2321}
table{border-collapse:collapse}td,th{padding:.2rem .9rem;text-align:right;border-bottom:1px solid #d8dedb}
.passed{color:#0b6e4f}.failed{color:#b3261e}.uplot{margin:1.5rem 0}`;

/** One HTML file with everything in it: the stages, the plots, what went wrong. Loads nothing from anywhere. */
export function renderReport({ plan, stages, seconds, broken, madeAt }: LoadReport): string {
  const require = createRequire(import.meta.url);
  const library = readFileSync(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8');
  const libraryStyle = readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8');
  const verdict =
    broken.length === 0
      ? '<p class="passed">Passed</p>'
      : `<p class="failed">Failed: ${escapeHtml(broken.join('; '))}</p>`;
  const heads = ['users', 'good answers/s', 'p50 ms', 'p95 ms', 'p99 ms', 'errors'];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Load test of ${escapeHtml(plan.url.host)}</title>
<style>${libraryStyle}${STYLE}</style></head><body>
<h1>Load test of ${escapeHtml(plan.url.host)}</h1>
<p>${madeAt.toISOString()} · ${plan.users.toLocaleString('en-US')} users at the end, ${
    plan.rate === undefined
      ? `each thinking about ${plan.thinkSeconds} s between two requests`
      : `${plan.rate} requests a second in all`
  }</p>
${verdict}
<table><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr>${stages.map(row).join('')}</table>
${errorList(stages)}
<main></main>
<script>${library}</script>
<script>const plots=${scriptJson(plotData(seconds))};const colours=${scriptJson(colours)};${DRAW}</script>
</body></html>
`;
}
