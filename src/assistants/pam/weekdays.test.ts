import { afterEach, expect, test, vi } from 'vitest';
import { useProduct } from '../../../test/harness/product.ts';
import { weekdays } from './days.ts';

const product = useProduct();

afterEach(() => {
  vi.useRealTimers();
});

const swedish = ['söndags', 'måndags', 'tisdags', 'onsdags', 'torsdags', 'fredags', 'lördags'];

/** Says what was spent to the offline model, as a user who lives there; answers the days it was recorded on. */
async function recordAll(timeZone: string, said: readonly string[]): Promise<string[]> {
  const user = await product.createUser();
  await product.request(user, 'PUT', '/api/pam/settings', { currency: 'EUR', time_zone: timeZone, language: null });
  const say = await product.startChat(user, 'pam');
  const days: string[] = [];
  for (const content of said) {
    const told = await say(content);
    days.push(/(?:Recorded|Antecknat): .*, 2026-11-(\d\d)$/.exec(told)?.[1] ?? told);
  }
  return days;
}

// When each day was last, from Sunday to Saturday, today included and today left out.
test.each([
  // Monday 17:00, Tuesday in UTC.
  ['2026-11-24T01:00Z', 'America/Los_Angeles', ['22 23 17 18 19 20 21', '22 16 17 18 19 20 21']],
  // Tuesday 08:00, Monday in UTC.
  ['2026-11-23T19:00Z', 'Pacific/Auckland', ['22 23 24 18 19 20 21', '22 23 17 18 19 20 21']],
  // Tuesday 00:30, Monday in UTC.
  ['2026-11-23T23:30Z', 'Europe/Stockholm', ['22 23 24 18 19 20 21', '22 23 17 18 19 20 21']],
  // Monday 23:30, while further east it is Tuesday.
  ['2026-11-23T23:30Z', 'UTC', ['22 23 17 18 19 20 21', '22 16 17 18 19 20 21']],
  // Tuesday 00:00, where each day begins first.
  ['2026-11-23T10:00Z', 'Pacific/Kiritimati', ['22 23 24 18 19 20 21', '22 23 17 18 19 20 21']],
  // Sunday 23:59, where each day ends last.
  ['2026-11-23T10:59Z', 'Pacific/Pago_Pago', ['22 16 17 18 19 20 21', '15 16 17 18 19 20 21']],
])('at %s in %s, a day of the week is the last one that there has been there', async (now, timeZone, last) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(now) });
  const record = (say: (day: string, at: number) => string) => recordAll(timeZone, weekdays.map(say));
  const [withToday, beforeToday] = last.map((days) => days.split(' '));
  expect(await record((day) => `spent 5 euro on fuel on ${day}`)).toEqual(withToday);
  expect(await record((day) => `spent 5 euro on fuel last ${day}`)).toEqual(beforeToday);
  expect(await record((_, at) => `jag spenderade 120 kr på mat i ${swedish[at]}`)).toEqual(beforeToday);
});

test('hours ago are of the day that it was then where the user lives', async () => {
  // 00:30 of Monday.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-23T08:30Z') });
  const said = ['spent 5 euro on fuel 2 hours ago', 'betalade 5 euro för bensin för en timme sedan'];
  expect(await recordAll('America/Los_Angeles', said)).toEqual(['22', '22']);
  expect(await recordAll('UTC', said)).toEqual(['23', '23']);
});

test('a day that is said with an hour is counted where the user lives too', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-24T01:00Z') });
  const said = ['spent 5 euro on fuel on monday at 9am', 'spent 5 euro on fuel yesterday at 9am'];
  expect(await recordAll('America/Los_Angeles', said)).toEqual(['23', '22']);
});
