import type { Finding, Level } from './finding.ts';

const signs: Record<Level, string> = { ok: '✓', advice: '!', broken: '✗' };

const count = (findings: readonly Finding[], level: Level): number =>
  findings.filter((finding) => finding.level === level).length;

/** The worst that was found. */
export function worstOf(findings: readonly Finding[]): Level {
  if (count(findings, 'broken') > 0) return 'broken';
  return count(findings, 'advice') > 0 ? 'advice' : 'ok';
}

/** What was found, for people: a line each, or more below one another, and then what to do. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const indent = ' '.repeat(width + 4);
  const lines = findings.flatMap(({ check, level, what, what_to_do: todo }) => [
    `${signs[level]} ${check.padEnd(width)}  ${what.replaceAll('\n', `\n${indent}`)}`,
    ...(todo === null ? [] : [`${indent}→ ${todo}`]),
  ]);
  const summary =
    worstOf(findings) === 'ok'
      ? 'Nothing to do.'
      : `${count(findings, 'broken')} broken, ${count(findings, 'advice')} to improve.`;
  return `${lines.join('\n')}\n\n${summary}\n`;
}
