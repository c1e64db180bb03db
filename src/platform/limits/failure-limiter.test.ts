import { expect, test, vi } from 'vitest';
import { createFailureLimiter } from './failure-limiter.ts';
import { Limiter } from './limiter.ts';

const quarter = { name: 'quarter of an hour', durationMs: 900_000 };

function create(maxKeys?: number) {
  let nowMs = Date.parse('2026-11-22T12:00:00Z');
  const clock = { now: () => new Date(nowMs), monotonicMs: () => nowMs };
  const limiter = new Limiter({ redis: undefined, clock, maxKeys });
  const begin = createFailureLimiter({
    limiter,
    name: 'test',
    perAccount: [{ window: quarter, limit: 3 }],
    perIp: [{ window: quarter, limit: 5 }],
  });
  return { begin, limiter, pass: (durationMs: number) => (nowMs += durationMs) };
}

/** Fails so often, all at once; how often it was let. */
async function fail(begin: ReturnType<typeof create>['begin'], who: { account?: string; ip: string }, times: number) {
  const attempts = await Promise.all(Array.from({ length: times }, () => begin(who)));
  return attempts.filter(({ isAllowed }) => isAllowed).length;
}

test('an account may fail exactly so often, wherever from', async () => {
  const { begin } = create();
  expect(await fail(begin, { account: 'ann', ip: '192.0.2.1' }, 2)).toBe(2);
  expect(await fail(begin, { account: 'ann', ip: '192.0.2.2' }, 100)).toBe(1);
  expect(await begin({ account: 'ann', ip: '192.0.2.3' })).toMatchObject({ isAllowed: false, retryAfterMs: 900_000 });
  expect(await fail(begin, { account: 'bob', ip: '192.0.2.3' }, 1)).toBe(1);
});

test('an address may fail exactly so often, whoever it claims to be; an IPv6 one with all of its /64', async () => {
  const { begin } = create();
  for (let index = 0; index < 5; index++) {
    expect((await begin({ account: `user-${index}`, ip: `2001:db8::${index}` })).isAllowed).toBe(true);
  }
  expect(await begin({ account: 'somebody', ip: '2001:db8::ffff' })).toMatchObject({ isAllowed: false });
  expect((await begin({ ip: '2001:db8:0:1::1' })).isAllowed).toBe(true);
});

test('what the one refuses does not count against the other', async () => {
  const { begin } = create();
  expect(await fail(begin, { account: 'ann', ip: '192.0.2.1' }, 10)).toBe(3);
  expect(await fail(begin, { ip: '192.0.2.1' }, 10)).toBe(2);
  expect(await fail(begin, { account: 'bob', ip: '192.0.2.1' }, 10)).toBe(0);
  expect(await fail(begin, { account: 'bob', ip: '192.0.2.2' }, 10)).toBe(3);
});

test('may be tried again when the window is over', async () => {
  const { begin, pass } = create();
  expect(await fail(begin, { account: 'ann', ip: '192.0.2.1' }, 10)).toBe(3);
  pass(900_000);
  expect(await fail(begin, { account: 'ann', ip: '192.0.2.1' }, 10)).toBe(3);
});

test('what an account is called stands in no key', async () => {
  const { limiter } = create();
  const apart = limiter.apart();
  vi.spyOn(limiter, 'apart').mockReturnValue(apart);
  const consume = vi.spyOn(apart, 'consume');
  const rules = [{ window: quarter, limit: 3 }];
  await createFailureLimiter({ limiter, name: 'test', perAccount: rules, perIp: rules })({ account: 'ann', ip: '::1' });
  expect(consume.mock.calls).toMatchObject([
    [[{ key: 'test:ip:0:0:0:0::/64' }, { key: expect.stringMatching(/^test:account:[\w-]{43}$/) }]],
  ]);
});

test('a flood of made-up accounts has nothing forgotten that was counted of others', async () => {
  const { begin, limiter } = create(10);
  const user = { key: 'user', rules: [{ window: quarter, limit: 1 }] };
  expect(limiter.consume([user])).toMatchObject({ isAllowed: true });
  for (let index = 0; index < 20; index++) await begin({ account: `user-${index}`, ip: `192.0.2.${index}` });
  expect(limiter.consume([user])).toMatchObject({ isAllowed: false });
});
