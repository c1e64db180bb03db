import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { commands } from './commands.ts';

/** The days that are told to the tool which records what was spent. */
function readDay(text: string, now: string): object | undefined {
  const input = commands.read({ text, now: new Date(now) })?.input;
  if (input === undefined) return undefined;
  const { amount: _amount, category, ...day } = input;
  expect(category).toBe(/mat/.test(text) ? 'mat' : 'food');
  return day;
}

const times = ['00:00', '00:30', '06:59', '11:59', '12:01', '23:59'];

// A machine in another time zone reads the same.
describe.each(['UTC', 'Pacific/Auckland', 'America/New_York'])('on a machine in %s,', (zone) => {
  beforeEach(() => {
    vi.stubEnv('TZ', zone);
    expect(Intl.DateTimeFormat().resolvedOptions().timeZone).toBe(zone);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  describe.each(times)('at %s UTC,', (time) => {
    test.each<[string, object | undefined]>([
      ['spent 12 on food last night', { days_ago: 1 }],
      ['spent 12 last night on food', { days_ago: 1 }],
      ['spent 12 on food last night at 8', { days_ago: 1 }],
      ['spent 12 on food an hour ago', { days_ago: 0, hours_ago: 1 }],
      ['spent 12 on food 2 hours ago', { days_ago: 0, hours_ago: 2 }],
      ['spent 12 on food about three hours ago', { days_ago: 0, hours_ago: 3 }],
      ['spent 12 on food half an hour ago', { days_ago: 0 }],
      ['spent 12 on food 20 minutes ago', { days_ago: 0 }],
      ['spenderade 12 på mat för en timme sedan', { days_ago: 0, hours_ago: 1 }],
      ['spenderade 12 på mat för 20 minuter sedan', { days_ago: 0 }],
      ['spenderade 12 på mat för tre timmar sedan', { days_ago: 0, hours_ago: 3 }],
      ['spent 12 on food twenty hours ago', undefined],
      ['spent 12 on food in 3 hours', undefined],
      ['spent 12 on food yesterday', { days_ago: 1 }],
      ['spent 12 on food 3 days ago', { days_ago: 3 }],
      ['spent 12 on food a week ago', { days_ago: 7 }],
      ['spent 12 on food on Friday', { days_ago: 0, weekday: 'friday' }],
      ['spent 12 on food on 5 March', { spent_on: '2026-03-05' }],
      ['spent 12 on food on the second of November', { spent_on: '2026-11-02' }],
      // From a day that was not said.
      ['spent 12 on food the day before', undefined],
      ['spent 12 on food 3 days earlier', undefined],
      ['spenderade 12 på mat igår', { days_ago: 1 }],
      ['spenderade 12 på mat den 5 mars', { spent_on: '2026-03-05' }],
    ])('"%s"', (text, day) => {
      expect(readDay(text, `2026-11-28T${time}:00Z`)).toEqual(day);
    });
  });
});

const hours = { an: 1, One: 1, two: 2, 'a couple of': 2, three: 3, 'a few': 3, four: 4, five: 5, six: 6 };
const timmar = { en: 1, två: 2, 'ett par': 2, tre: 3, några: 3, fyra: 4, fem: 5, Sex: 6 };

test.each([
  ...Object.entries(hours).map(([said, count]) => [`spent 12 on food ${said} hours ago`, count] as const),
  ...Object.entries(timmar).map(([said, count]) => [`spenderade 12 på mat för ${said} timmar sedan`, count] as const),
])('"%s" is understood as %d', (text, count) => {
  expect(readDay(text, '2026-11-28T12:00:00Z')).toEqual({ days_ago: 0, hours_ago: count });
});
