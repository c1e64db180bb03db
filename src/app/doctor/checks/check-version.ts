import type { DatabaseContext } from '../database-context.ts';
import { broken, type Check, fine } from '../finding.ts';

/** The first that notices by itself that a client has left (client_connection_check_interval). */
const OLDEST = 140_000;

/** The version of Postgres. */
export const checkVersion: Check<DatabaseContext> = {
  name: 'version',
  run({ server }) {
    const what = `PostgreSQL ${server.version}`;
    if (server.version_number >= OLDEST) return [fine(what)];
    return [broken(`${what}, which lacks what the server relies on`, 'Upgrade to PostgreSQL 14 or later.')];
  },
};
