import { Type } from '../../../kit/index.ts';
import { ItemId, Title } from '../schemas.ts';

/** How a tool is told which item is meant: one of the two. */
export const meant = {
  id: Type.Optional(ItemId),
  title: Type.Optional({ ...Title, description: 'Its title or some words of it, when the id is not known.' }),
};
