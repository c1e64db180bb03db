import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Plan, readPlans } from './read-plans.ts';

const readText = (text: string) => readPlans({ content: parse(text) });

const describeRules = ({ requests }: Plan) => requests.map(({ window, limit }) => `${limit} a ${window.name}`);

test('without a file there are four plans, and the free one allows what the product promises', () => {
  const plans = readPlans(undefined);
  expect([...plans.keys()]).toEqual(['free', 'pro', 'team', 'unlimited']);
  const free = plans.get('free');
  expect(free && describeRules(free)).toEqual(['2000 a minute', '10000 a hour', '50000 a day']);
  const nothing = { requests: [], requestsPerKey: [], tokensPerMonth: undefined, modelCallsAtOnce: undefined };
  expect(plans.get('unlimited')).toMatchObject(nothing);
});

test('a plan of a file, in YAML or JSON, takes the place of a built-in one, and others come on top', () => {
  for (const text of ['free:\n  requests: { hour: 7 }\nown: {}', '{"free": {"requests": {"hour": 7}}, "own": {}}']) {
    const plans = readText(text);
    expect([...plans.keys()]).toEqual(['free', 'pro', 'team', 'unlimited', 'own']);
    expect(plans.get('free')).toMatchObject({ requests: [{ limit: 7, window: { name: 'hour' } }] });
  }
});

test.each([
  ['free: { requests: { minute: 0 } }', 'free.requests.minute: must be'],
  ['free: { requests: { second: 1 } }', 'free.requests.second: there is no such field'],
  ['free: { requests: { minute: many } }', 'free.requests.minute: must be'],
  ['free: { tokens_per_month: 1.5 }', 'free.tokens_per_month: must be integer'],
  ['Free plan: {}', 'Free plan: must be in lower case'],
  ['- free', 'the file: must be object'],
  ['', 'the file: must be object'],
])('a file with %s is refused, and the place named', (text, place) => {
  expect(() => readText(text)).toThrow(`PLANS_FILE: ${place}`);
});
