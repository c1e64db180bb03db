import { InvalidArgumentError } from 'commander';
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

/** @throws InvalidArgumentError when it is not a whole number in the range. */
export function readCount(from: number, to: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (!Number.isInteger(count) || count < from || count > to)
      throw new InvalidArgumentError(`It takes a whole number from ${from} to ${to}.`);
    return count;
  };
}

/** Where a server is: `http://127.0.0.1:8000`. @throws InvalidArgumentError */
export function readServerUrl(text: string): URL {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('It takes the address of a server, such as http://127.0.0.1:8000.');
  return new URL(text);
}

/** A share as `10%` or `0.1`. @throws InvalidArgumentError */
export function readShare(text: string): number {
  const share = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (text === '' || !(share >= 0 && share <= 1)) throw new InvalidArgumentError('It takes a share, such as 1%.');
  return share;
}

/** A time as `500ms` or `2s`. @throws InvalidArgumentError */
export function readDurationMs(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('It takes a time with its unit, such as 500ms or 2s.');
  return Number(number) * (unit === 's' ? 1000 : 1);
}

/** Weights such as `create=1,read=3`; what is not named is not done. @throws InvalidArgumentError */
export function readMix(text: string): Map<Action, number> {
  const mix = new Map<Action, number>();
  for (const part of text.split(',')) {
    const [name = '', weight = ''] = part.split('=');
    const action = actions.find((known) => known === name.trim());
    if (action === undefined || !(Number(weight) >= 0) || weight === '')
      throw new InvalidArgumentError(`It takes weights of ${actions.join(', ')}, such as create=1,read=3.`);
    mix.set(action, Number(weight));
  }
  if ([...mix.values()].every((weight) => weight === 0)) throw new InvalidArgumentError('All its weights are 0.');
  return mix;
}

/** @throws Error for a server that may not be the caller's own, unless they say that it is. */
export function refuseForeignServer(url: URL, isOwn: boolean): void {
  if (isOwn || namesThisMachine(url)) return;
  throw new Error(
    `${url.hostname} is not this machine. A load test can put a server out of service: add --i-own-this-server if it is yours.`,
  );
}
