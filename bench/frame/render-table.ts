import type { Bound, Verdict } from './measurement.ts';

const HEADINGS = ['bench', 'ours', 'baseline', 'unit', 'ratio', 'bound', ''];

/** Digits that count in a table. */
const DIGITS = 3;

/** Three digits that count, and whole numbers from a thousand on. A limit that is missed by less shows the digit that tells. */
function renderNumber(value: number | undefined, missedLimit?: number): string {
  if (value === undefined) return '–';
  if (!Number.isFinite(value)) return 'none';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  let digits = DIGITS;
  while (Number(value.toPrecision(digits)) === missedLimit) digits++;
  return String(Number(value.toPrecision(digits)));
}

function renderBound({ of, sense, limit }: Bound, unit: string): string {
  const sign = sense === 'at least' ? '≥' : '≤';
  if (of === 'ratio') return `${sign} ${limit}x`;
  return of === 'excess' ? `${sign} ${limit} ${unit} more` : `${sign} ${limit}`;
}

/** A line of the table: name, ours, baseline, unit, ratio, bound, and whether the bound is kept. */
export function toCells(verdict: Verdict): string[] {
  const { name, unit, ours, baseline, ratio, bound, isKept, note } = verdict;
  const missedLimit = (of: Bound['of']) => (!isKept && bound.of === of ? bound.limit : undefined);
  return [
    name,
    renderNumber(ours, missedLimit('value')),
    renderNumber(baseline),
    unit,
    Number.isFinite(ratio) ? `${renderNumber(ratio, missedLimit('ratio'))}x` : '–',
    renderBound(bound, unit),
    `${isKept ? 'ok' : 'SHORT'}${note === undefined ? '' : ` (${note})`}`,
  ];
}

/** The verdicts as a table for the terminal. */
export function renderTable(verdicts: readonly Verdict[]): string {
  const lines = [HEADINGS, ...verdicts.map(toCells)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const isNumber = (column: number): boolean => column === 1 || column === 2 || column === 4;
  const pad = (text: string, column: number): string =>
    isNumber(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}
