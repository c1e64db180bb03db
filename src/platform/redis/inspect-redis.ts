import { Redis as Client } from 'ioredis';

/** A Redis as it says of itself. */
export interface RedisState {
  readonly version: string;
  /** Whether it takes no writes. */
  readonly isReplica: boolean;
  /** What it does when its memory is full, such as `noeviction`; undefined when it does not say. */
  readonly evictionPolicy: string | undefined;
  /** The quickest of several. */
  readonly roundTripMs: number;
}

const ROUNDS = 5;
const FAREWELL_MS = 100;

function readField(info: string, field: string): string | undefined {
  return new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(info)?.[1];
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
  const client = new Client(url, {
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
    const info = await client.info();
    return {
      version: readField(info, 'redis_version') ?? 'of an unknown version',
      isReplica: readField(info, 'role') === 'slave',
      evictionPolicy: readField(info, 'maxmemory_policy'),
      roundTripMs: await measureRoundTripMs(client),
    };
  } catch (error) {
    // A connection that failed says only that it is closed.
    throw lastError ?? error;
  } finally {
    client.disconnect();
  }
}
