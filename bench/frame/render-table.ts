import type { Bound, Verdict } from './measurement.ts';

const HEADINGS = ['bench', 'ours', 'baseline', 'unit', 'ratio', 'bound', ''];

/** Three digits that count, and whole numbers from a thousand on. */
function renderNumber(value: number | undefined): string {
  if (value === undefined) return '–';
  if (!Number.isFinite(value)) return 'none';
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

function renderBound({ of, sense, limit }: Bound, unit: string): string {
  const sign = sense === 'at least' ? '≥' : '≤';
  if (of === 'ratio') return `${sign} ${limit}x`;
  return of === 'excess' ? `${sign} ${limit} ${unit} more` : `${sign} ${limit}`;
}

/** A line of the table: name, ours, baseline, unit, ratio, bound, and whether the bound is kept. */
export function toCells(verdict: Verdict): string[] {
  const { name, unit, ours, baseline, ratio, bound, isKept, note } = verdict;
  return [
    name,
    renderNumber(ours),
    renderNumber(baseline),
    unit,
    Number.isFinite(ratio) ? `${renderNumber(ratio)}x` : '–',
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
