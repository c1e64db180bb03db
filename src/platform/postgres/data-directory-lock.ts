import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Logger } from '../log/index.ts';
import { connect } from './connect.ts';

// Any number does that nothing else uses as an advisory lock in this database ("even" in ASCII).
const LOCK_KEY = 0x6576656e;
// A killed server's connection is noticed by Postgres within moments; a living one keeps its lock.
const TAKEOVER_MS = 3_000;
const RETRY_MS = 100;

/** Marks the coming loss of the lock's connection as wanted. The lock itself ends with Postgres. */
export type LetGo = () => void;

/**
 * Takes the right to use a data directory: a lock, on a connection of its own, for as long as this process lives. Undefined when
 * another living process holds it. When its connection is lost (Postgres restarted after a crash of one of its processes),
 * takes it again.
 */
export async function lockDataDirectory(url: string, log: Logger): Promise<LetGo | undefined> {
  let wanted = true;
  const hold = async (): Promise<boolean> => {
    const client = await takeLock(url);
    client?.once('end', () => void retake());
    return client !== undefined;
  };
  const retake = async (): Promise<void> => {
    while (wanted) {
      const isHeld = await hold().catch(() => false);
      if (isHeld) return;
      log.warn('the lock on the data directory is lost; trying to take it again');
      await sleep(1_000, undefined, { ref: false });
    }
  };
  if (!(await hold())) return undefined;
  return () => {
    wanted = false;
  };
}

async function takeLock(url: string): Promise<Client | undefined> {
  const client = await connect(url, { application_name: 'evenkeel data directory', keepAlive: true });
  const giveUpAtMs = performance.now() + TAKEOVER_MS;
  for (;;) {
    const { rows } = await client.query('select pg_try_advisory_lock($1) as taken', [LOCK_KEY]);
    if (rows[0]?.taken === true) return client;
    if (performance.now() > giveUpAtMs) break;
    await sleep(RETRY_MS);
  }
  await client.end();
  return undefined;
}
