import type { Language, PlainCommands, PlainOutcome } from '../../../kit/index.ts';
import type { Entry } from '../schemas.ts';
import type { Trend } from '../tools/trend.ts';
import { readCommand } from './read-command.ts';

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
    unread: 'Noted. How good or bad that is, the words do not tell me.',
    none: 'Nothing was logged then.',
    more: 'There is more than this.',
    nothing: ({ from, to }: Trend) => `Nothing was logged from ${from} to ${to}.`,
    untold: ({ from, to }: Trend) => `What was logged from ${from} to ${to} does not tell me how good or bad it was.`,
    overall: ({ from, to, entries }: Trend, degree: string) =>
      `From ${from} to ${to} your mood was ${degree} (${entries} ${entries === 1 ? 'entry' : 'entries'}):`,
  },
  sv: {
    failed: 'Det gick inte. Säg till exempel "jag är glad idag".',
    logged: (degree: string) => `Antecknat. Det låter ${degree}.`,
    unread: 'Antecknat. Hur bra eller dåligt det är säger orden mig inte.',
    none: 'Inget är antecknat då.',
    more: 'Det finns mer än så.',
    nothing: ({ from, to }: Trend) => `Inget är antecknat från ${from} till ${to}.`,
    untold: ({ from, to }: Trend) =>
      `Det som är antecknat från ${from} till ${to} säger mig inte hur bra eller dåligt det var.`,
    overall: ({ from, to, entries }: Trend, degree: string) =>
      `Från ${from} till ${to} mådde du ${degree} (${entries} ${entries === 1 ? 'anteckning' : 'anteckningar'}):`,
  },
} as const;

function nameDegree(score: number, language: Language): string {
  return degrees.find(([most]) => score <= most)?.[1][language] ?? '';
}

/** What a tool of the mood log may return. */
type Result = Partial<Omit<Trend, 'entries'>> & {
  readonly entry?: Entry;
  /** Those of the log; or how many a trend is of. */
  readonly entries?: readonly Entry[] | number;
  readonly has_more?: boolean;
};

function tellEntries(
  { entries, has_more = false }: { entries: readonly Entry[]; has_more: boolean | undefined },
  language: Language,
): string {
  const said = words[language];
  if (entries.length === 0) return said.none;
  const told = entries.map(({ felt_at, mood_text }) => `- ${felt_at.slice(0, 10)}: ${mood_text}`);
  return [...told, ...(has_more ? [said.more] : [])].join('\n');
}

function tell({ text, result }: PlainOutcome): string {
  // The words decide the language; the time does not matter.
  const language = readCommand({ text, now: new Date(0) })?.language ?? 'en';
  const said = words[language];
  const { entry, entries, has_more, score, days, ...period } = (result ?? {}) as Result;
  if (entry?.confidence === 0) return said.unread;
  if (entry !== undefined) return said.logged(nameDegree(entry.score, language));
  if (Array.isArray(entries)) return tellEntries({ entries, has_more }, language);
  if (days === undefined || score === undefined) return said.failed;
  const trend = { ...period, entries, score, days } as Trend;
  if (score === null) return trend.entries === 0 ? said.nothing(trend) : said.untold(trend);
  const lines = days.flatMap((each) =>
    each.score === null ? [] : [`- ${each.day}: ${nameDegree(each.score, language)}`],
  );
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
