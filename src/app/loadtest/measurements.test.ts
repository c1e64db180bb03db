import { expect, test } from 'vitest';
import { findBrokenGates } from './find-broken-gates.ts';
import { climb } from './load-plan.ts';
import { countErrorKinds, Measurements, type ServerState } from './measurements.ts';

const at = { seconds: 2, atSeconds: 7, users: 10, server: {} as ServerState };

/** A hundred answers, some of them slow, and two errors. */
function measure(measurements: Measurements): void {
  for (let answer = 0; answer < 100; answer++) measurements.add(answer < 90 ? 10 : answer < 98 ? 100 : 1_000);
  for (const kind of ['ECONNRESET', 'status 503']) measurements.addError(kind);
}

const measured = {
  answers: 100,
  answersPerSecond: 50,
  errors: 2,
  p50Ms: expect.closeTo(10, 1),
  p95Ms: expect.closeTo(100, 0),
  p99Ms: expect.closeTo(1_000, -1),
};
const nothing = { answers: 0, answersPerSecond: 0, errors: 0, p50Ms: null, p95Ms: null, p99Ms: null };

test('a second has what came in it, and the next one begins anew', () => {
  const measurements = new Measurements();
  measure(measurements);
  expect(measurements.endSecond(at)).toEqual({ atSeconds: 7, users: 10, server: {}, ...measured });
  expect(measurements.endSecond(at)).toMatchObject(nothing);
  // Faster than can be measured.
  measurements.add(0);
  expect(measurements.endSecond(at)).toMatchObject({ answers: 1, p50Ms: 0.01 });
});

test('a stage has what came since it began, and tells what went wrong', () => {
  const measurements = new Measurements();
  measure(measurements);
  measurements.beginStage();
  measure(measurements);
  measurements.endStage(10, 2);
  measurements.beginStage();
  measurements.addError('ECONNRESET');
  measurements.endStage(50, 2);
  const { stages } = measurements;
  expect(stages[0]).toEqual({ users: 10, ...measured, errorKinds: { ECONNRESET: 1, 'status 503': 1 } });
  expect(stages[1]).toEqual({ users: 50, ...nothing, errors: 1, errorKinds: { ECONNRESET: 1 } });
  expect([...countErrorKinds(stages)]).toEqual([
    ['ECONNRESET', 2],
    ['status 503', 1],
  ]);
});

test.each([
  [10, [10]],
  [30, [10, 30]],
  [60, [10, 50, 60]],
  [100, [10, 50, 100]],
  [10_000, [10, 50, 100, 500, 1_000, 5_000, 10_000]],
])('the climb to %i users', (users, stages) => {
  expect(climb(users)).toEqual(stages);
});

test.each([
  [{}, []],
  [{ errors: 2 }, [/^1\.98% errors, more than 1\.00%$/]],
  [{ p95Ms: 501 }, [/^p95 501 ms, more than 500 ms$/]],
  [{ answersPerSecond: 49 }, [/^49 good answers\/s, fewer than 50$/]],
  [{ answers: 0, errors: 0, p95Ms: null, answersPerSecond: 0 }, [/^100\.00% errors/, /^no answers$/, /^0 good/]],
])('a stage that just keeps to its gates passes, but for %j', (change, reasons) => {
  const stage = {
    users: 1,
    answers: 99,
    errors: 1,
    errorKinds: {},
    p50Ms: 1,
    p95Ms: 500,
    p99Ms: 900,
    answersPerSecond: 50,
  };
  const broken = findBrokenGates({ ...stage, ...change }, { maxErrorRate: 0.01, p95Ms: 500, minRate: 50 });
  expect(broken).toEqual(reasons.map((reason) => expect.stringMatching(reason)));
});
