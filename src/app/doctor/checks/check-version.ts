import { OLDEST_POSTGRES } from '../../migrate-schema.ts';
import type { DatabaseContext } from '../database-context.ts';
import { broken, type Check, fine } from '../finding.ts';

/** The version of Postgres. */
export const checkVersion: Check<DatabaseContext> = {
  name: 'version',
  run({ server }) {
    const what = `PostgreSQL ${server.version}`;
    if (server.version_number >= OLDEST_POSTGRES) return [fine(what)];
    return [broken(`${what}, which lacks what the server relies on`, 'Upgrade to PostgreSQL 14 or later.')];
  },
};
