import { expect, test, vi } from 'vitest';
import { testContext } from '../../../../../test/harness/test-context.ts';
import { Cancelled } from '../../../../base/deadline.ts';
import { createLogger } from '../../../../platform/log/index.ts';
import { outliveCaller } from './outlive-caller.ts';

test('work for a caller who has left already is not begun', async () => {
  const caller = testContext();
  caller.deadline.cancel(new Cancelled('the client left'));
  const work = vi.fn(async () => undefined);
  const options = { log: createLogger({ level: 'silent' }), marginMs: 1_000 };
  await expect(outliveCaller(caller, options, work)).rejects.toThrow('the client left');
  expect(work).not.toHaveBeenCalled();
});
