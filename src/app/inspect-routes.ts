import { inspectRoute } from '../platform/postgres/index.ts';
import { reasonOf } from './reason-of.ts';

/** How the configured URLs lead to the database. */
export interface DatabaseRoutes {
  /** Whether `DATABASE_URL` leads through a pooler. */
  readonly isPooled: boolean;
  /** Why a server cannot work this way, and which setting mends it; undefined when it can. */
  readonly fault: { readonly what: string; readonly whatToDo: string } | undefined;
}

/**
 * Looks how `DATABASE_URL`, and `DATABASE_DIRECT_URL` where it is set, lead to the database.
 *
 * @throws Error that names the one that does not lead there, and says why.
 */
export async function inspectRoutes(
  url: string,
  directUrl: string | undefined,
  connectBoundMs?: number,
): Promise<DatabaseRoutes> {
  const inspect = (name: string, place: string) =>
    inspectRoute(place, connectBoundMs).catch((cause) => {
      throw new Error(`${name}: ${reasonOf(cause)}`, { cause });
    });
  const directName = directUrl === undefined ? 'DATABASE_URL' : 'DATABASE_DIRECT_URL';
  const direct = await inspect(directName, directUrl ?? url);
  if (!direct.keepsSession) {
    const fault = {
      what: `${directName} leads through a transaction pooler, by way of which nothing can be migrated or listened to`,
      whatToDo: 'Set DATABASE_DIRECT_URL to the database itself.',
    };
    return { isPooled: true, fault };
  }
  const route = directUrl === undefined ? direct : await inspect('DATABASE_URL', url);
  if (route.database !== direct.database) {
    const fault = {
      what: 'DATABASE_URL and DATABASE_DIRECT_URL lead to two databases, so no change of the one would be heard of',
      whatToDo: 'Set DATABASE_DIRECT_URL to the one that DATABASE_URL leads to.',
    };
    return { isPooled: route.isPooled, fault };
  }
  const fault = route.keepsPrepared
    ? undefined
    : {
        what: 'DATABASE_URL leads through a pooler that forgets prepared statements',
        whatToDo:
          'Set max_prepared_statements of PgBouncer, 1.21 or later, to 200, or set DATABASE_URL to the database itself.',
      };
  return { isPooled: route.isPooled, fault };
}
