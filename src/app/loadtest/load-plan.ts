import { namesThisMachine } from '../names-this-machine.ts';

/** What a user of the load test may do, and how often beside the others. */
export const actions = ['create', 'post', 'read', 'unchanged'] as const;
export type Action = (typeof actions)[number];

/** What a load test does. */
export interface LoadPlan {
  readonly url: URL;
  /** Users at the end of the climb. */
  readonly users: number;
  readonly stageSeconds: number;
  /** Between an answer and the user's next request. */
  readonly thinkSeconds: number;
  /** The share of users who send their messages over a WebSocket and do nothing else, 0 to 1. */
  readonly webSocketShare: number;
  readonly mix: ReadonlyMap<Action, number>;
  /** Requests a second in all, sent whether or not the server keeps up; absent, users think between their requests. */
  readonly rate: number | undefined;
  /** What the server's /metrics takes; absent, they are read where the server is on this machine. */
  readonly metricsToken: string | undefined;
  readonly gates: Gates;
}

/** What the last stage of the climb must keep to. */
export interface Gates {
  /** Share of requests, 0 to 1. */
  readonly maxErrorRate: number;
  readonly p95Ms: number;
  /** Good answers a second. */
  readonly minRate: number;
}

/** The users of each stage of the climb: 10, 50, 100, 500, 1,000 and so on to the last. */
export function climb(users: number): number[] {
  const stages: number[] = [];
  for (let step = 10; step < users; step *= 10) stages.push(...[step, step * 5].filter((stage) => stage < users));
  return [...stages, users];
}

/** @throws Error for a server that may not be the caller's own, unless they say that it is. */
export function refuseForeignServer(url: URL, isOwn: boolean): void {
  if (isOwn || namesThisMachine(url)) return;
  throw new Error(
    `${url.hostname} is not this machine. A load test can put a server out of service: add --i-own-this-server if it is yours.`,
  );
}
