import { Nullable, type Static, Type } from '../../kit/index.ts';

/** What an item is called. */
export const Title = Type.String({
  minLength: 1,
  maxLength: 500,
  pattern: String.raw`\S`,
  description: 'What is to be done, in a few words.',
});

/** The day by which an item is to be done. */
export const Day = Type.String({ format: 'date', description: 'A day, such as 2026-12-24.' });

/** How much an item matters. */
export const Priority = Type.Unsafe<'low' | 'normal' | 'high'>(
  Type.String({ enum: ['low', 'normal', 'high'], description: 'How much it matters.' }),
);

/** An id of an item. */
export const ItemId = Type.String({ format: 'uuid', description: 'The id of the item.' });

/** An item of the list. */
export const Item = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    object: Type.Literal('todo.item'),
    title: Type.String(),
    due_on: Nullable(Type.String({ format: 'date' })),
    priority: Type.String({ enum: ['low', 'normal', 'high'] }),
    done: Type.Boolean(),
    done_at: Nullable(Type.String({ format: 'date-time' })),
    created_at: Type.String({ format: 'date-time' }),
    updated_at: Type.String({ format: 'date-time' }),
  },
  { title: 'TodoItem' },
);
export type Item = Static<typeof Item>;
