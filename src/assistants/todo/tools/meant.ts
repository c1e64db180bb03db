import { Type } from '../../../kit/index.ts';
import { Day, ItemId, Title } from '../schemas.ts';

/** How a tool is told which item is meant: one of the two. */
export const meant = {
  id: Type.Optional(ItemId),
  title: Type.Optional({ ...Title, description: 'Its title or some words of it, when the id is not known.' }),
};

/** The same, with the day that the user names beside the title. */
export const meantOnDay = {
  ...meant,
  full_title: Type.Optional({
    ...Title,
    description: 'The title with the words for the day, as the user said it, in case they are part of the title.',
  }),
  due_on: Type.Optional({ ...Day, description: 'The day that it is due, when the user names it with the title.' }),
  language: Type.Optional(
    Type.Unsafe<'en' | 'sv'>(
      Type.String({ enum: ['en', 'sv'], description: 'What the user writes in: "bilen" is "bil" in Swedish alone.' }),
    ),
  ),
};
