import { defineTool, Type } from '../../../kit/index.ts';
import { toEntry } from '../entries.ts';
import { listEntries } from '../queries.ts';
import { Instant } from '../schemas.ts';

/** As many as a user can be told in one answer. */
const MAX_ENTRIES = 50;

export const list = defineTool({
  name: 'list',
  description: "Reads the entries of the user's mood log, the latest first.",
  input: Type.Object(
    {
      from: Type.Optional({ ...Instant, description: 'Only what was felt at this time or later.' }),
      to: Type.Optional({ ...Instant, description: 'Only what was felt earlier than this.' }),
    },
    { additionalProperties: false },
  ),
  writes: false,
  async run({ from, to }, context) {
    const rows = await context.query(listEntries, {
      from: from === undefined ? null : new Date(from),
      to: to === undefined ? null : new Date(to),
      ...{ afterFeltAt: null, afterId: null, offset: 0, limit: MAX_ENTRIES + 1 },
    });
    return { entries: rows.slice(0, MAX_ENTRIES).map(toEntry), has_more: rows.length > MAX_ENTRIES };
  },
});
