import { setTimeout as sleep } from 'node:timers/promises';
import type { UserWithKey } from '../../core/keys/index.ts';
import { Crowd } from './crowd.ts';
import { HttpUser } from './http-user.ts';
import { climb, type LoadPlan } from './load-plan.ts';
import type { LoadUser } from './load-user.ts';
import { Measurements, type Second } from './measurements.ts';
import { ServerProbe } from './server-probe.ts';
import { WebSocketUser } from './web-socket-user.ts';

/** Users who join within a second at the most: a listening socket's backlog holds 511 who wait. */
const JOINING_PER_SECOND = 2_000;
const JOINING_AT_ONCE = 20;

/** What a load test tells while it runs, and by what it is ended early. */
export interface LoadTestControl {
  onSecond(second: Second): void;
  readonly signal: AbortSignal;
}

/** The n-th user: those with a WebSocket are spread evenly among the others. */
function makeUser({ url, webSocketShare }: LoadPlan, secret: string, index: number): LoadUser {
  const isWebSocketUser = Math.floor((index + 1) * webSocketShare) > Math.floor(index * webSocketShare);
  return isWebSocketUser ? new WebSocketUser(url, secret) : new HttpUser(url, secret);
}

/** Has users join until the crowd is so large, not all in one moment. */
async function grow(crowd: Crowd, userCount: number, makeUser: (index: number) => LoadUser): Promise<void> {
  while (crowd.userCount < userCount) {
    for (let joined = 0; joined < JOINING_AT_ONCE && crowd.userCount < userCount; joined++)
      crowd.add(makeUser(crowd.userCount));
    await sleep((JOINING_AT_ONCE / JOINING_PER_SECOND) * 1000);
  }
}

/**
 * Puts the load of a plan on a server, stage by stage. Each user has a connection, a key and a session of its own. The
 * requests of users who are joining are measured too, but count for the stage's time in the plots alone. What is answered
 * has no stage that was under way when the signal came.
 */
export async function runLoadTest(
  plan: LoadPlan,
  users: readonly UserWithKey[],
  { onSecond, signal }: LoadTestControl,
): Promise<Measurements> {
  const measurements = new Measurements();
  const crowd = new Crowd(plan, measurements);
  const probe = new ServerProbe(plan);
  const startMs = performance.now();
  let lastMs = startMs;
  const endSecond = async (): Promise<void> => {
    const server = await probe.read();
    const nowMs = performance.now();
    const at = {
      seconds: (nowMs - lastMs) / 1000,
      atSeconds: (nowMs - startMs) / 1000,
      users: crowd.userCount,
      server,
    };
    lastMs = nowMs;
    onSecond(measurements.endSecond(at));
  };
  const sampling = new AbortController();
  const samples = (async () => {
    while (!sampling.signal.aborted) {
      await sleep(1000);
      await endSecond();
    }
  })();
  try {
    for (const userCount of climb(plan.users)) {
      await grow(crowd, userCount, (index) => makeUser(plan, users[index]?.secret ?? '', index));
      measurements.beginStage();
      const stageMs = performance.now();
      await sleep(plan.stageSeconds * 1000, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      measurements.endStage(userCount, (performance.now() - stageMs) / 1000);
    }
  } finally {
    sampling.abort();
    await crowd.end();
    await samples;
  }
  return measurements;
}
