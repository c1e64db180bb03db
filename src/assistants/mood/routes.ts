import {
  Cursor,
  decodeCursor,
  defineRoute,
  encodeCursor,
  ListOf,
  PageLimit,
  placePart,
  Type,
  toPage,
} from '../../kit/index.ts';
import { logMood, toEntry } from './entries.ts';
import { type EntryRow, listEntries } from './queries.ts';
import { Entry, Instant, MoodText } from './schemas.ts';

/** How long a page of the log is kept in memory, in milliseconds, unless it changes. */
const CACHE_TTL_MS = 60_000;

const logRoute = defineRoute({
  method: 'POST',
  path: '/log',
  name: 'log',
  summary: 'Log how you feel',
  description:
    'A model reads the mood of the text. While none answers, a word list does (`source: "lexicon"`), and the model reads ' +
    'the entry again later. When the tokens of your plan are used up, the word list reads it for good.',
  body: Type.Object(
    {
      mood_text: MoodText,
      timestamp: Type.Optional({ ...Instant, description: 'When you felt so; now when absent.' }),
    },
    { additionalProperties: false },
  ),
  example: { mood_text: 'Glad idag!', timestamp: '2026-12-24T18:00:00Z' },
  status: 201,
  answer: Entry,
  run: ({ body }, context) => logMood({ moodText: body.mood_text, feltAt: body.timestamp }, context),
});

const getRoute = defineRoute({
  method: 'GET',
  path: '/get',
  name: 'list',
  summary: 'List your mood log',
  description: 'The latest first.',
  query: Type.Object(
    {
      limit: PageLimit({ default: 50, maximum: 1000 }),
      offset: Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        default: 0,
        description: 'How many entries to leave out first. To read all of a long log, follow `next_cursor` instead.',
      }),
      cursor: Type.Optional(Cursor),
      from: Type.Optional({ ...Instant, description: 'Only what you felt at this time or later.' }),
      to: Type.Optional({ ...Instant, description: 'Only what you felt earlier than this.' }),
    },
    { additionalProperties: false },
  ),
  answer: ListOf(Entry),
  async run({ query }, context) {
    const { limit, cursor, from, to } = query;
    // Who goes on from a place has left it out before that.
    const offset = cursor === undefined ? query.offset : 0;
    const scope = ['mood', context.userId, from, to].join(' ');
    const [afterFeltAt, afterId = null] = decodeCursor(scope, cursor, [placePart.instant, placePart.id]);
    return await context.cached(JSON.stringify(query), CACHE_TTL_MS, async () => {
      const time = { from: toDate(from), to: toDate(to), afterFeltAt: toDate(afterFeltAt) };
      const rows = await context.query(listEntries, { ...time, afterId, offset, limit: limit + 1 });
      const cursorOf = ({ felt_at, id }: EntryRow) => encodeCursor(scope, [felt_at.toISOString(), id]);
      return toPage(rows, limit, { item: toEntry, cursor: cursorOf });
    });
  },
});

function toDate(instant: string | undefined): Date | null {
  return instant === undefined ? null : new Date(instant);
}

/** The routes below `/api/mood`. */
export const routes = [logRoute, getRoute];
