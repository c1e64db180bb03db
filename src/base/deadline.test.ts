import { expect, it, vi } from 'vitest';
import { Cancelled, Deadline, DeadlineExceeded } from './deadline.ts';

it('aborts its signal when its time is up, saying so', () => {
  vi.useFakeTimers();
  const deadline = Deadline.after(100);
  vi.advanceTimersByTime(99);
  expect(deadline.signal.aborted).toBe(false);
  expect(deadline.remainingMs()).toBeLessThanOrEqual(1);
  vi.advanceTimersByTime(1);
  expect(deadline.signal.reason).toBeInstanceOf(DeadlineExceeded);
  expect(() => deadline.throwIfEnded()).toThrow(DeadlineExceeded);
  vi.useRealTimers();
});

it('does nothing more once it was ended', () => {
  vi.useFakeTimers();
  const deadline = Deadline.after(100);
  deadline.end();
  vi.advanceTimersByTime(1_000);
  expect(deadline.signal.aborted).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

it('can be shortened for a step, never lengthened', () => {
  const deadline = Deadline.after(1_000);
  const step = deadline.shortenedTo(10);
  const longer = deadline.shortenedTo(60_000);
  expect(step.remainingMs()).toBeLessThanOrEqual(10);
  expect(longer.endsAtMs).toBe(deadline.endsAtMs);
  for (const each of [step, longer, deadline]) each.end();
});

it('cancels the steps below it with its own reason, but not those that have ended', () => {
  const deadline = Deadline.after(1_000);
  const step = deadline.shortenedTo(500);
  const done = deadline.shortenedTo(500);
  done.end();
  deadline.cancel(new Cancelled('the client left'));
  expect(step.signal.reason).toMatchObject({ message: 'the client left' });
  expect(done.signal.aborted).toBe(false);
  expect(deadline.shortenedTo(500).signal.aborted).toBe(true);
});

it('keeps the reason that came first', () => {
  const deadline = Deadline.after(1_000);
  deadline.cancel(new Cancelled('first'));
  deadline.cancel(new Cancelled('second'));
  expect(deadline.signal.reason).toMatchObject({ message: 'first' });
});

it('waits for work until it ends, and no longer', async () => {
  const deadline = Deadline.after(1_000);
  expect(await deadline.race(Promise.resolve('done'))).toBe('done');
  await expect(deadline.race(Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  const waiting = deadline.race(new Promise(() => {}));
  deadline.cancel(new Cancelled('the client left'));
  await expect(waiting).rejects.toThrow('the client left');
  await expect(deadline.race(new Promise(() => {}))).rejects.toThrow('the client left');
});
