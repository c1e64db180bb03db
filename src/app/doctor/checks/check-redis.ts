import { inspectRedis, type RedisState } from '../../../platform/redis/index.ts';
import { reasonOf } from '../../reason-of.ts';
import { advice, BOUND_MS, broken, type Check, fine, type Observation, unreached } from '../finding.ts';

const REFUSES_US = /^(?:NOAUTH|WRONGPASS)/;
const GIVE_PASSWORD = 'Put the user and the password that Redis wants before the host in REDIS_URL, percent-encoded.';
const REACH =
  'See that it runs and is reached from here; servers do without it meanwhile, each for itself. Else mend REDIS_URL: ' +
  'rediss:// where Redis wants TLS, else redis://.';

function judge(
  { version, isReplica, evictionPolicy, roundTripMs, refused, refusal }: RedisState,
  commandTimeoutMs: number,
): Observation[] {
  const faults: Observation[] = [];
  if (isReplica) faults.push(broken('Redis is a replica and takes no writes', 'Set REDIS_URL to the primary.'));
  if (refused !== undefined) {
    faults.push(
      broken(
        `Redis refuses database ${refused.database} (${refused.reason}), and servers use database 0 instead`,
        'End REDIS_URL with the number of a database that Redis has; CONFIG GET databases says how many, counted from 0.',
      ),
    );
  }
  if (refusal !== undefined && !isReplica) {
    faults.push(
      broken(
        `Redis refuses what servers ask of it (${refusal}), and they do without it`,
        'See that it has room and takes writes, is no Sentinel and no node of a cluster, and that the user of REDIS_URL has the ' +
          'rights that docs/guides/from-one-machine-to-many.md lists.',
      ),
    );
  }
  if (evictionPolicy !== undefined && evictionPolicy !== 'noeviction') {
    faults.push(
      advice(
        `Redis drops keys when its memory is full (maxmemory-policy ${evictionPolicy}), among them counts of limits and what was revoked`,
        'CONFIG SET maxmemory-policy noeviction, and in its configuration; then give it memory enough.',
      ),
    );
  }
  // A command that takes several times the best one is nothing unusual, and then Redis is left alone for a while.
  if (roundTripMs > commandTimeoutMs / 3) {
    faults.push(
      advice(
        `Redis is ${Math.round(roundTripMs)} ms away, and REDIS_COMMAND_TIMEOUT_MS is ${commandTimeoutMs}`,
        'Run Redis where the server is, or raise REDIS_COMMAND_TIMEOUT_MS.',
      ),
    );
  }
  return faults.length > 0 ? faults : [fine(`Redis ${version}, ${roundTripMs.toFixed(1)} ms away`)];
}

/** Whether Redis answers, keeps what it is given and is near. */
export const checkRedis: Check = {
  name: 'redis',
  async run({ config: { redis }, instances }) {
    if (redis.url === undefined) {
      if (instances === 1) return [fine('none; one server needs none')];
      return [advice(`${instances} servers without Redis count limits each by itself`, 'Set REDIS_URL.')];
    }
    try {
      // To connect, to say our name and to be answered are steps; all are to be within the bound of the check.
      return judge(await inspectRedis(redis.url, BOUND_MS / 4), redis.commandTimeoutMs);
    } catch (error) {
      return [unreached('Redis does not answer', error, REFUSES_US.test(reasonOf(error)) ? GIVE_PASSWORD : REACH)];
    }
  },
};
