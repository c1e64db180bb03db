import { expect, test } from 'vitest';
import { newRunningTurn } from '../../../../test/harness/new-running-turn.ts';
import { testContext } from '../../../../test/harness/test-context.ts';
import { DeadlineExceeded } from '../../../base/deadline.ts';
import { newId } from '../../../base/ids.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { postgresErrors } from '../../../platform/postgres/index.ts';
import { Assistants } from '../assistants.ts';
import type { StoredToolCall } from './tool-call.ts';
import { ToolRunner } from './tool-runner.ts';

/** What is not usual in a test. */
interface Given {
  readonly run?: (input: unknown) => unknown;
  readonly writes?: boolean;
  readonly tried?: readonly StoredToolCall[];
  readonly ensureSaved?: () => Promise<void>;
}

/** Runs steps of calls of one tool, each call given by its arguments or more of it; answers them, and how often the tool ran. */
async function runSteps(
  steps: readonly (readonly (string | object)[])[],
  { run = () => 'done', writes = true, tried = [], ensureSaved = async () => undefined }: Given = {},
) {
  let runs = 0;
  const tool = {
    ...{ name: 'desk_do', description: 'Does it.', parameters: { type: 'object' }, writes },
    run: async (input: unknown) => {
      runs++;
      return await run(input);
    },
  };
  const assistant = new Assistants([{ name: 'desk', description: '', instructions: '', tools: [tool] }]).get('desk');
  if (assistant === undefined) throw new Error('There is no assistant.');
  const turn = newRunningTurn();
  const context = { ...testContext(), deadline: turn.deadline };
  const log = createLogger({ level: 'silent' });
  const runner = new ToolRunner({ turn, assistant, tried, context, ensureSaved, log });
  const calls: StoredToolCall[] = [];
  for (const [index, step] of steps.entries()) {
    const asked = step.map((call) => {
      const more = typeof call === 'string' ? { function: { name: 'desk_do', arguments: call } } : call;
      return { id: newId(), type: 'function', function: { name: 'desk_do', arguments: '{}' }, ...more };
    });
    calls.push(...(await runner.runStep(asked, index + 1)));
  }
  turn.deadline.end();
  return { calls, runs };
}

test('a call keeps the id that it came with, unless that is none or too long', async () => {
  const { calls } = await runSteps([[{ id: '' }, { id: 'x'.repeat(101) }, { id: 'x'.repeat(100) }]]);
  const given = expect.stringMatching(/^[^x]{9}$/);
  expect(calls.map(({ id }) => id)).toEqual([given, given, 'x'.repeat(100)]);
});

test('a call without arguments is made, one whose arguments are out of all proportion is not', async () => {
  const [long, deep] = [`{"a":"${'x'.repeat(32_000)}"}`, `{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`];
  const { calls, runs } = await runSteps([['', ' {} ', long, deep]]);
  expect(calls.map(({ is_error }) => is_error)).toEqual([false, false, true, true]);
  expect(calls.map(({ arguments: input }) => input)).toEqual([{}, {}, long.slice(0, 32_000), deep]);
  expect(runs).toBe(1);
  expect(calls[2]?.result).toEqual({ error: 'The arguments have more than 32000 characters: give less at once.' });
});

test.each([
  ['nothing', undefined, null],
  ['as much as may be', 'x'.repeat(31_998), 'x'.repeat(31_998)],
  [
    'more, with half a character at the bound',
    '😀'.repeat(16_000),
    expect.stringMatching(/^"(😀)*\ufffd… \(cut: 32002 /u),
  ],
])('of a tool that answers %s, that is told as it can be stored', async (_what, result, told) => {
  const { calls } = await runSteps([['{}']], { run: () => result });
  expect(calls).toMatchObject([{ result: told, is_error: false }]);
});

const unheard = () => Promise.reject(postgresErrors.raise.timeout());

test('a write whose outcome is unknown is said to be so, and not made again', async () => {
  const { calls, runs } = await runSteps([['{}'], ['{"a":1}'], ['{}']], { run: unheard });
  expect(runs).toBe(2);
  const unsure = {
    result: { error: expect.stringContaining('may have had an effect') },
    is_error: true,
    is_unsure: true,
  };
  expect(calls).toMatchObject([unsure, unsure, unsure]);
});

test.each<[string, Given]>([
  ['a tool that reads', { run: unheard, writes: false }],
  ['a write that could not be stored before', { ensureSaved: unheard }],
  ['a write that did not succeed', { run: () => Promise.reject(postgresErrors.raise.unavailable()) }],
])('the failure of %s is no such write', async (_what, given) => {
  const { calls } = await runSteps([['{}']], given);
  expect(calls[0]).not.toHaveProperty('is_unsure');
  expect(calls[0]?.is_error).toBe(true);
});

test('a write that did not succeed may be tried again', async () => {
  const run = () => Promise.reject(postgresErrors.raise.unavailable());
  expect((await runSteps([['{}'], ['{}']], { run })).runs).toBe(2);
});

test('a tool that took too long is said to have', async () => {
  const run = () => Promise.reject(new DeadlineExceeded());
  const { calls } = await runSteps([['{}']], { run, writes: false });
  expect(calls).toMatchObject([{ result: { error: 'The tool took too long.' }, is_error: true }]);
});

test('what may have been written in an earlier turn for the same message is not written again, what was read is read', async () => {
  const call = { id: 'a', name: 'desk_do', arguments: { b: 1, a: 2 }, step: 1, at: 0 };
  const unsure = { ...call, result: { error: 'Who knows.' }, is_error: true, is_unsure: true } as const;
  const again = { function: { name: 'desk_do', arguments: '{"a":2,"b":1}' } };
  const failed = { ...call, result: { error: 'No.' }, is_error: true };
  expect(await runSteps([['{}', again]], { tried: [unsure] })).toMatchObject({
    ...{ runs: 1, calls: [{ result: 'done' }, { result: { error: 'Who knows.' }, is_error: true, is_unsure: true }] },
  });
  for (const tried of [[failed], [call]]) expect((await runSteps([[again]], { tried })).runs).toBe(1);
  const read = { ...call, result: 'read', is_error: false };
  expect((await runSteps([[again]], { tried: [read], writes: false })).runs).toBe(1);
});
