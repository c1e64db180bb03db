import { Type } from 'typebox';

/** The account of the caller. */
export const Account = Type.Object({
  id: Type.String({ format: 'uuid' }),
  object: Type.Literal('user'),
  username: Type.String(),
  plan: Type.String(),
  created_at: Type.String({ format: 'date-time' }),
});
