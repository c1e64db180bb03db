import { Option } from 'commander';
import { type Action, readCount, readDurationMs, readMix, readServerUrl, readShare } from './load-plan.ts';

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

const mostUsers = 50_000;

/** An option with a value that it has when it is not given, as it would be typed. */
function withDefault<Value>(option: Option, parse: (text: string) => Value, typed: string): Option {
  return option.argParser(parse).default(parse(typed), typed);
}

/** What `loadtest` takes. */
export const loadTestOptions: readonly Option[] = [
  withDefault(new Option('--url <url>', 'the server'), readServerUrl, 'http://127.0.0.1:8000'),
  withDefault(
    new Option('--users <count>', 'users at the end of the climb 10, 50, 100, 500, …'),
    readCount(1, mostUsers),
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
