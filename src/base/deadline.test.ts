import { expect, it, vi } from 'vitest';
import { Cancelled, Deadline, DeadlineExceeded } from './deadline.ts';
import { systemClock } from './time.ts';

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

it('has the work above end before a step that ends with it, whichever timer goes off first', () => {
  vi.useFakeTimers();
  // Timers are coarser than the clock: by them the step ends a millisecond earlier.
  let nowMs = 0;
  const deadline = Deadline.after(100, { ...systemClock, monotonicMs: () => nowMs });
  nowMs = 1;
  const step = deadline.shortenedTo(Number.POSITIVE_INFINITY).shortenedTo(60_000);
  const shorter = deadline.shortenedTo(10);
  vi.advanceTimersByTime(99);
  expect(shorter.reason).toBeInstanceOf(DeadlineExceeded);
  expect(deadline.reason).toBeInstanceOf(DeadlineExceeded);
  expect(step.reason).toBe(deadline.reason);
  expect(shorter.reason).not.toBe(deadline.reason);
  vi.useRealTimers();
});

it('ends a step by its own timer where the work above was done before', () => {
  vi.useFakeTimers();
  const deadline = Deadline.after(100);
  const step = deadline.shortenedTo(100);
  deadline.end();
  vi.advanceTimersByTime(100);
  expect(step.reason).toBeInstanceOf(DeadlineExceeded);
  expect(deadline.reason).toBeUndefined();
  vi.useRealTimers();
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
