import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for something that comes about by itself. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > giveUpAtMs) throw new Error('it did not come about');
    await sleep(10);
  }
}
