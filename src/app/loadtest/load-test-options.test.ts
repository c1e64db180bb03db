import { Command } from 'commander';
import { expect, test } from 'vitest';
import { type LoadTestOptions, loadTestOptions } from './load-test-options.ts';

function parse(...args: string[]): LoadTestOptions {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  for (const option of loadTestOptions) command.addOption(option);
  return command.parse(args, { from: 'user' }).opts();
}

test('what is not given is as the help says', () => {
  expect(parse()).toEqual({
    url: new URL('http://127.0.0.1:8000'),
    users: 10_000,
    stageSeconds: 10,
    thinkSeconds: 10,
    websockets: 0,
    mix: new Map(['create', 'post', 'read', 'unchanged'].map((action) => [action, 1])),
    maxErrorRate: 0.01,
    p95: 500,
    minRate: 0,
  });
});

test.each([
  ['--websockets', '12.5%', { websockets: 0.125 }],
  ['--websockets', '.5', { websockets: 0.5 }],
  ['--p95', '1.5s', { p95: 1_500 }],
  ['--p95', '20ms', { p95: 20 }],
  ['--rate', '40', { rate: 40 }],
  [
    '--mix',
    'create=0, read=2.5',
    {
      mix: new Map([
        ['create', 0],
        ['read', 2.5],
      ]),
    },
  ],
  ['--url', 'https://example.com', { url: new URL('https://example.com') }],
])('%s %s is understood', (option, value, understood) => {
  expect(parse(option, value)).toMatchObject(understood);
});

test.each([
  ['--url', ['ftp://127.0.0.1', '127.0.0.1:8000', 'http://['], 'the address of a server'],
  ['--users', ['0', '50001', '1.5', 'x'], 'a whole number from 1 to 50000'],
  ['--max-error-rate', ['few', '', '%', '101%', '1.01', '-1'], 'a share, such as 1%'],
  ['--p95', ['500', 's', '1 s', '-1s', '1m'], 'a time with its unit'],
  ['--mix', ['dance=1', 'create', 'create=', 'create=-1', 'create=x'], 'weights of create, post, read, unchanged'],
  ['--mix', ['create=0'], 'All its weights are 0'],
])('%s refuses %j', (option, values, reason) => {
  for (const value of values) expect(() => parse(option, value), value).toThrow(reason);
});
