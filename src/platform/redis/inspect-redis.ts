import type { Redis as Client } from 'ioredis';

/** A Redis as it says of itself. */
export interface RedisState {
  readonly version: string;
  /** Whether it takes no writes. */
  readonly isReplica: boolean;
  /** What it does when its memory is full, such as `noeviction`; undefined when it does not say. */
  readonly evictionPolicy: string | undefined;
  /** The quickest of several. */
  readonly roundTripMs: number;
  /** The database of the URL, when Redis refuses it. */
  readonly refused: RefusedDatabase | undefined;
  /** What it says to a script that writes and reads two keys, as those of servers do, when it refuses that. */
  readonly refusal: string | undefined;
}

/** A database that Redis does not let us use, and what it says to that. */
export interface RefusedDatabase {
  readonly database: number;
  readonly reason: string;
}

const ROUNDS = 5;
const FAREWELL_MS = 100;
/** Asks for what servers need, and changes nothing: a key that is not there is not set. */
const PROBE = `redis.call('set', KEYS[1], '', 'XX') return redis.call('mget', unpack(KEYS))`;

function readField(info: string, field: string): string | undefined {
  return new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(info)?.[1];
}

/** What Redis says of itself: nothing to a user who may not ask, which no server minds. */
async function readInfo(client: Client): Promise<string> {
  return await client.info().catch((error: Error) => {
    if (error.message.startsWith('NOPERM')) return '';
    throw error;
  });
}

/** What Redis says to a command that it refuses. */
async function findRefusal(answer: Promise<unknown>): Promise<string | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return error.message;
    throw error;
  }
}

/** Asks for the database of the URL: while it connects, ioredis goes on in database 0 when that is refused. */
async function findRefused(client: Client): Promise<RefusedDatabase | undefined> {
  const { db: database = 0 } = client.options;
  // Where every connection begins: no server asks for it.
  if (database === 0) return undefined;
  const reason = await findRefusal(client.select(database));
  return reason === undefined ? undefined : { database, reason };
}

async function measureRoundTripMs(client: Client): Promise<number> {
  const tookMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAtMs = performance.now();
    await client.ping();
    tookMs.push(performance.now() - startedAtMs);
  }
  return Math.min(...tookMs);
}

/**
 * Looks at a Redis by a connection of its own; each step has `boundMs`.
 *
 * @throws Error of ioredis when it does not let us in or does not answer.
 */
export async function inspectRedis(url: string, boundMs: number): Promise<RedisState> {
  const { Redis } = await import('ioredis');
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: boundMs,
    commandTimeout: boundMs,
    // What it says while it loads is read here too.
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    // A frozen one does not say goodbye.
    disconnectTimeout: FAREWELL_MS,
    retryStrategy: () => null,
    connectionName: 'evenkeel doctor',
  });
  let lastError: unknown;
  client.on('error', (error) => {
    lastError = error;
  });
  try {
    await client.connect();
    // Side by side: each step is waited for.
    const [info, refused, refusal] = await Promise.all([
      readInfo(client),
      findRefused(client),
      findRefusal(client.eval(PROBE, 2, 'evenkeel:doctor:1', 'evenkeel:doctor:2')),
    ]);
    return {
      version: readField(info, 'redis_version') ?? 'of an unknown version',
      isReplica: readField(info, 'role') === 'slave',
      evictionPolicy: readField(info, 'maxmemory_policy'),
      roundTripMs: await measureRoundTripMs(client),
      refused,
      refusal,
    };
  } catch (error) {
    // A connection that failed says only that it is closed.
    throw lastError ?? error;
  } finally {
    client.disconnect();
  }
}
