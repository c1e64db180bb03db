import type { PlainCommands, PlainOutcome } from '../../../kit/index.ts';
import type { Entry } from '../schemas.ts';
import type { Trend } from '../tools/trend.ts';
import { type Language, readCommand } from './read-command.ts';

/** How good or bad a mood is said to be, from the worst: up to which score, and in which words. */
const degrees: readonly (readonly [number, Readonly<Record<Language, string>>])[] = [
  [-0.5, { en: 'very bad', sv: 'mycket dåligt' }],
  [-0.1, { en: 'rather bad', sv: 'ganska dåligt' }],
  [0.1, { en: 'neither good nor bad', sv: 'varken bra eller dåligt' }],
  [0.5, { en: 'rather good', sv: 'ganska bra' }],
  [1, { en: 'very good', sv: 'mycket bra' }],
];

const words = {
  en: {
    failed: 'That did not work. Try "I feel great today".',
    logged: (degree: string) => `Noted. That sounds ${degree}.`,
    nothing: ({ from, to }: Trend) => `Nothing was logged from ${from} to ${to}.`,
    overall: ({ from, to, entries }: Trend, degree: string) =>
      `From ${from} to ${to} your mood was ${degree} (${entries} ${entries === 1 ? 'entry' : 'entries'}):`,
  },
  sv: {
    failed: 'Det gick inte. Säg till exempel "jag är glad idag".',
    logged: (degree: string) => `Antecknat. Det låter ${degree}.`,
    nothing: ({ from, to }: Trend) => `Inget är antecknat från ${from} till ${to}.`,
    overall: ({ from, to, entries }: Trend, degree: string) =>
      `Från ${from} till ${to} mådde du ${degree} (${entries} ${entries === 1 ? 'anteckning' : 'anteckningar'}):`,
  },
} as const;

function nameDegree(score: number, language: Language): string {
  return degrees.find(([most]) => score <= most)?.[1][language] ?? '';
}

function tell({ text, result }: PlainOutcome): string {
  // The words decide the language; the time does not matter.
  const language = readCommand({ text, now: new Date(0) })?.language ?? 'en';
  const said = words[language];
  const { entry, score, days, ...period } = (result ?? {}) as Partial<Trend> & { entry?: Entry };
  if (entry !== undefined) return said.logged(nameDegree(entry.score, language));
  if (days === undefined || score === undefined) return said.failed;
  const trend = { ...period, score, days } as Trend;
  if (score === null) return said.nothing(trend);
  const lines = days.map((each) => `- ${each.day}: ${nameDegree(each.score, language)}`);
  return [said.overall(trend, nameDegree(score, language)), ...lines].join('\n');
}

/** What the mood log understands without a model, in English and Swedish. */
export const commands: PlainCommands = {
  read: (said) => readCommand(said)?.call,
  tell,
  examples: [
    'I feel great today',
    'how was my mood this week?',
    'jag är glad idag',
    'hur har jag mått den här veckan?',
  ],
};
