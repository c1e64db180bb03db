import type { Machine } from '../bench/frame/machine.ts';
import type { Verdict } from '../bench/frame/measurement.ts';
import { toCells } from '../bench/frame/render-table.ts';

/** What `npm run bench -- --json` wrote. */
export interface SpeedResults {
  readonly at: string;
  readonly machine: Machine;
  /** By bench. */
  readonly verdicts: Readonly<Record<string, readonly Verdict[]>>;
}

const START = '<!-- speed: made by `npm run generate` from docs/speed/results.json -->';
const END = '<!-- /speed -->';

function describeMachine({ at, machine }: SpeedResults): string {
  const { cpu, cores, memoryGiB, node } = machine;
  return `Measured on ${at.slice(0, 10)}: ${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}. Server, Postgres, load generator and baselines share them.`;
}

/** The results as a Markdown table. */
function renderSpeedTable(results: SpeedResults): string {
  const rows = Object.values(results.verdicts)
    .flat()
    .map(
      (verdict) =>
        `| ${toCells(verdict)
          .map((cell) => cell.trim())
          .join(' | ')} |`,
    );
  return [
    describeMachine(results),
    '',
    '| bench | ours | baseline | unit | ratio | bound | |',
    '|---|---:|---:|---|---:|---|---|',
    ...rows,
  ].join('\n');
}

/** The README with its table of speed made anew. */
export function renderReadme(readme: string, results: SpeedResults): string {
  const [before, rest] = readme.split(START);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md lacks "${START}" … "${END}".`);
  return `${before}${START}\n${renderSpeedTable(results)}\n${END}${after}`;
}

/** How many times better than its bound a result is; below 1 it falls short. Undefined where there is nothing to divide. */
function marginOf({ ours, ratio, bound }: Verdict): number | undefined {
  const value = bound.of === 'ratio' ? (ratio ?? Number.NaN) : ours;
  if (bound.of === 'excess' || bound.limit === 0) return undefined;
  const margin = bound.sense === 'at least' ? value / bound.limit : bound.limit / value;
  return Number.isFinite(margin) ? margin : undefined;
}

const WIDTH = 880;
const ROW = 26;
const LABEL = 430;
/** The scale runs from a quarter of the bound to sixteen times of it, in steps of two. */
const LEAST = 1 / 4;
const MOST = 16;

function placeOf(margin: number): number {
  const share = Math.log2(Math.min(MOST, Math.max(LEAST, margin)) / LEAST) / Math.log2(MOST / LEAST);
  return LABEL + share * (WIDTH - LABEL - 70);
}

/** What fits left of the bars; the table has the whole name. */
const LABEL_CHARS = 62;

const shorten = (text: string): string =>
  text.length <= LABEL_CHARS ? text : `${text.slice(0, LABEL_CHARS - 1).trimEnd()}…`;

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function renderBar(name: string, margin: number, index: number): string {
  const y = 40 + index * ROW;
  const [from, to] = [placeOf(1), placeOf(margin)];
  const colour = margin >= 1 ? '#0b6e4f' : '#b3261e';
  return `<text x="${LABEL - 12}" y="${y + 13}" text-anchor="end" fill="#0f172a">${escapeXml(shorten(name))}</text>
<rect x="${Math.min(from, to).toFixed(1)}" y="${y + 2}" width="${Math.max(1, Math.abs(to - from)).toFixed(1)}" height="14" fill="${colour}"/>
<text x="${(Math.max(from, to) + 6).toFixed(1)}" y="${y + 13}" fill="${colour}">${margin.toFixed(margin < 10 ? 2 : 0)}×</text>`;
}

/** The results as a picture: how many times better than its bound each row is, on a logarithmic scale. */
export function renderSpeedPlot({ verdicts }: SpeedResults): string {
  let name = '';
  const bars = Object.values(verdicts)
    .flat()
    .flatMap((verdict) => {
      // A row whose name is indented is about the one above.
      name = verdict.name.startsWith(' ') ? name : verdict.name;
      const margin = marginOf(verdict);
      const label = verdict.name === name ? name : `${name.split(':')[0]?.split(',')[0]}: ${verdict.name.trim()}`;
      return margin === undefined ? [] : [{ label, margin }];
    });
  const height = 60 + bars.length * ROW;
  const one = placeOf(1).toFixed(1);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="How many times better than its bound each bench is.">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="${one}" y="20" text-anchor="middle" fill="#475569">◂ short of its bound · times better than it ▸</text>
<path d="M${one} 28V${height - 12}" stroke="#475569"/>
${bars.map(({ label, margin }, index) => renderBar(label, margin, index)).join('\n')}
</svg>
`;
}
