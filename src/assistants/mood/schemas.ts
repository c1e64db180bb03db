import { type Static, Type } from '../../kit/index.ts';

/** How a user felt, as the user says it. */
export const MoodText = Type.String({
  minLength: 1,
  maxLength: 4_000,
  pattern: String.raw`\S`,
  description: 'How you feel or felt, in your own words: Swedish, English or Norwegian.',
});

/** What a text says of a mood. A model is asked for this. */
export const Reading = Type.Object(
  {
    mood: Type.String({ minLength: 1, maxLength: 40, description: 'The mood in an English word or two: happy.' }),
    score: Type.Number({ minimum: -1, maximum: 1, description: 'From -1, as bad as can be, to 1, as good as can be.' }),
    confidence: Type.Number({ minimum: 0, maximum: 1, description: 'How sure the reading is, from 0 to 1.' }),
    language: Type.String({ pattern: '^[a-z]{2,3}$', description: 'The ISO 639 code of the language: sv, en, no …' }),
  },
  { additionalProperties: false },
);
export type Reading = Static<typeof Reading>;

/** An entry of the log. */
export const Entry = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    object: Type.Literal('mood.entry'),
    mood_text: Type.String(),
    ...Reading.properties,
    source: Type.String({
      enum: ['model', 'lexicon'],
      description:
        'What read the text. An entry of the lexicon is read again by the model later, where there is one and the plan allowed it.',
    }),
    felt_at: Type.String({
      format: 'date-time',
      description: 'The `timestamp` that was sent, else when it was logged.',
    }),
    created_at: Type.String({ format: 'date-time' }),
  },
  { title: 'MoodEntry' },
);
export type Entry = Static<typeof Entry>;

/** An instant. */
export const Instant = Type.String({ format: 'date-time', description: 'Such as 2026-12-24T18:00:00Z.' });
