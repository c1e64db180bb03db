import { en, type ParsedResult, sv } from 'chrono-node';

/** A language that commands are understood in. */
export type Language = 'en' | 'sv';

/** A text without the day that it names. */
export interface DayAndRest {
  /** As 2026-12-24; null when the text names none. */
  readonly day: string | null;
  readonly rest: string;
}

const dayMs = 86_400_000;

/** What stands between the words of a thing to do and its day. */
const joints = { en: /\s+(?:for|by|on|until|due)$/i, sv: /\s+(?:till|senast|före|på)$/i };

/** How far off a day is in Swedish, in days, where chrono does not know or has it wrong; the first that fits counts. */
const swedishDays: readonly (readonly [RegExp, (amount: string) => number])[] = [
  [/(?<!\p{L})(?:i ?)?övermorgon\b/iu, () => 2],
  [/\bi ?morgon\b/i, () => 1],
  [/\bi ?dag\b/i, () => 0],
  [/\bnästa vecka\b/i, () => 7],
  [/\bom (\d{1,3}) dag(?:ar)?\b/i, Number],
  [/\bom (\d{1,2}) veck(?:a|or)\b/i, (amount) => 7 * Number(amount)],
  [/\bom en vecka\b/i, () => 7],
];

function cut(text: string, { start, length }: { start: number; length: number }, language: Language): string {
  const before = text.slice(0, start).trimEnd().replace(joints[language], '');
  return `${before} ${text.slice(start + length)}`.replace(/\s+/g, ' ').trim();
}

const toDay = (instant: Date): string => instant.toISOString().slice(0, 10);

function isDay({ start }: ParsedResult): boolean {
  return start.isCertain('day') || start.isCertain('weekday');
}

/** Takes the day out of what a user said: the last one that is named, counted from `now` in UTC. */
export function readDay(text: string, now: Date, language: Language): DayAndRest {
  for (const [pattern, daysFor] of language === 'sv' ? swedishDays : []) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const day = toDay(new Date(now.getTime() + daysFor(found[1] ?? '') * dayMs));
    return { day, rest: cut(text, { start: found.index, length: found[0].length }, language) };
  }
  const parser = language === 'sv' ? sv : en;
  const found = parser.casual.parse(text, { instant: now, timezone: 0 }, { forwardDate: true }).findLast(isDay);
  if (found === undefined) return { day: null, rest: text };
  const [year = 0, month = 1, day = 1] = (['year', 'month', 'day'] as const).map((part) => found.start.get(part) ?? 1);
  return {
    day: toDay(new Date(Date.UTC(year, month - 1, day))),
    rest: cut(text, { start: found.index, length: found.text.length }, language),
  };
}
