import { expect, test } from 'vitest';
import { testContext } from '../../../test/harness/test-context.ts';
import { newId } from '../../base/ids.ts';
import { createOnce } from './create-once.ts';
import { KeyedLock } from './keyed-lock.ts';

test('users who give the same Idempotency-Key do not wait for each other', async () => {
  const row = { i: 1, answer: 'done', replayed: false, is_same: true };
  const parts = { database: { query: async () => [] }, lock: new KeyedLock(), share: async () => [row] };
  const idempotency = { idempotencyKey: 'key', fingerprint: Buffer.alloc(32) };
  const begin = (makeInput: () => Promise<object>) => {
    const once = createOnce({ userId: newId(), call: testContext(1_000), idempotency, onReplay: undefined }, parts);
    return once({} as never, makeInput as never);
  };
  void begin(() => new Promise(() => undefined));
  expect(await begin(async () => ({}))).toEqual(row);
});
