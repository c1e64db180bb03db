import type { DatabaseContext } from '../database-context.ts';
import { advice, broken, type Check, fine } from '../finding.ts';

/** Of each server past its pool: two that listen, three of the workers on jobs. */
const BESIDE_POOL = 5;

/** Whether the server has room for the connections of all our servers. */
export const checkPool: Check<DatabaseContext> = {
  name: 'pool',
  run({ config: { database }, instances, isPooled, server: { places } }) {
    const { poolSize, poolOverflow } = database;
    // Behind a pooler, how many connections lead on is its own affair.
    const kept = instances * ((isPooled ? 0 : poolSize) + BESIDE_POOL);
    const most = kept + instances * (isPooled ? 0 : poolOverflow);
    const what = `${instances} × (${isPooled ? '' : `${poolSize} + ${poolOverflow} + `}${BESIDE_POOL}) connections of the ${places} that the database allows`;
    const todo =
      `Lower DATABASE_POOL_SIZE and DATABASE_POOL_OVERFLOW (a pool of ${Math.max(1, Math.floor(places / instances / 2))} is plenty), ` +
      'raise max_connections or the limit of the role, or put a pooler in between: docs/guides/pgbouncer.md.';
    if (kept > places) return [broken(`${what}, kept at all times`, todo)];
    if (most > places) return [advice(`${what}, when it is busy`, todo)];
    return [fine(what)];
  },
};
