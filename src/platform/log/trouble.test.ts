import { afterEach, expect, test, vi } from 'vitest';
import { createLogger } from './create-logger.ts';
import { Trouble } from './trouble.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('what fails and works by turns is told once a minute, and when it is over', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => lines.push(JSON.parse(line).msg) } });
  const trouble = new Trouble(log, { begins: 'begins', ends: 'ends' });
  for (let second = 0; second < 90; second++) {
    trouble.failed({});
    trouble.succeeded();
    vi.advanceTimersByTime(1000);
  }
  expect(lines).toEqual(['begins', 'ends', 'begins', 'ends']);
});
