import { expect, it, onTestFinished, vi } from 'vitest';
import { isId, newId, timeOf } from './ids.ts';

it('makes UUIDs of version 7 that hold the time', () => {
  const before = Date.now();
  const id = newId();
  expect(isId(id)).toBe(true);
  expect(id[14]).toBe('7');
  expect('89ab').toContain(id[19]);
  const timeMs = timeOf(id).getTime();
  expect(timeMs).toBeGreaterThanOrEqual(before);
  expect(timeMs - Date.now()).toBeLessThan(1000);
});

it('makes ids that only ever grow, also more in a millisecond than its counter holds', () => {
  const ids = Array.from({ length: 20_000 }, newId);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

it('makes ids that go on growing when the clock is set back an hour', () => {
  const before = newId();
  const hourAgoMs = Date.now() - 3_600_000;
  const now = vi.spyOn(Date, 'now').mockReturnValue(hourAgoMs);
  onTestFinished(() => now.mockRestore());
  const after = [newId(), newId()];
  expect([before, ...after]).toEqual([before, ...after].sort());
});

it('knows an id from what only looks like one', () => {
  for (const wrong of ['', 'x', newId().toUpperCase(), `${newId()} `, newId().replaceAll('-', ''), `{${newId()}}`]) {
    expect(isId(wrong), wrong).toBe(false);
  }
});
