import { InvalidArgumentError, Option } from 'commander';
import { readCount } from '../read-count.ts';
import { type Action, actions } from './load-plan.ts';

/** What the command line gives. */
export interface LoadTestOptions {
  url: URL;
  users: number;
  stageSeconds: number;
  thinkSeconds: number;
  websockets: number;
  mix: Map<Action, number>;
  rate?: number;
  maxErrorRate: number;
  p95: number;
  minRate: number;
  report?: string;
  iOwnThisServer?: boolean;
}

const MOST_USERS = 50_000;

/** Where a server is: `http://127.0.0.1:8000`. @throws InvalidArgumentError */
function readServerUrl(text: string): URL {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('It takes the address of a server, such as http://127.0.0.1:8000.');
  return new URL(text);
}

/** A share as `10%` or `0.1`. @throws InvalidArgumentError */
function readShare(text: string): number {
  const [, number, percent] = /^(\d*\.?\d+)(%?)$/.exec(text) ?? [];
  const share = Number(number) / (percent === '%' ? 100 : 1);
  if (!(share <= 1)) throw new InvalidArgumentError('It takes a share, such as 1%.');
  return share;
}

/** A time as `500ms` or `2s`. @throws InvalidArgumentError */
function readDurationMs(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('It takes a time with its unit, such as 500ms or 2s.');
  return Number(number) * (unit === 's' ? 1000 : 1);
}

/** Weights such as `create=1,read=3`; what is not named is not done. @throws InvalidArgumentError */
function readMix(text: string): Map<Action, number> {
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

/** An option with a value that it has when it is not given, as it would be typed. */
function withDefault<Value>(option: Option, parse: (text: string) => Value, typed: string): Option {
  return option.argParser(parse).default(parse(typed), typed);
}

/** What `loadtest` takes. */
export const loadTestOptions: readonly Option[] = [
  withDefault(new Option('--url <url>', 'the server'), readServerUrl, 'http://127.0.0.1:8000'),
  withDefault(
    new Option('--users <count>', 'users at the end of the climb 10, 50, 100, 500, …'),
    readCount(1, MOST_USERS),
    '10000',
  ),
  withDefault(
    new Option('--stage-seconds <count>', 'how long each stage of the climb is measured'),
    readCount(1, 600),
    '10',
  ),
  withDefault(
    new Option('--think-seconds <count>', 'what a user waits on average between an answer and the next request'),
    readCount(0, 600),
    '10',
  ),
  withDefault(
    new Option(
      '--websockets <share>',
      'of the users: they send their messages over a WebSocket each, and do nothing else',
    ),
    readShare,
    '0%',
  ),
  withDefault(
    new Option(
      '--mix <weights>',
      'how often the others create a session, post a message and wait for its answer, read the history, read it when it is unchanged (304)',
    ),
    readMix,
    'create=1,post=1,read=1,unchanged=1',
  ),
  new Option(
    '--rate <count>',
    'requests a second in all, sent whether or not the server keeps up; the time of each counts from when it was due. ' +
      'Without it users think',
  ).argParser(readCount(1, 100_000)),
  withDefault(new Option('--max-error-rate <share>', 'gate: of the requests of the last stage'), readShare, '1%'),
  withDefault(
    new Option('--p95 <time>', 'gate: 95 of 100 answers of the last stage are as fast'),
    readDurationMs,
    '500ms',
  ),
  withDefault(
    new Option('--min-rate <count>', 'gate: good answers a second in the last stage'),
    readCount(0, 1_000_000),
    '0',
  ),
  new Option('--report <file>', 'where to write the report, as one HTML file'),
  new Option('--i-own-this-server', 'allow a server on another machine'),
];
