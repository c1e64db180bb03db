import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defineErrors } from '../../base/errors.ts';
import { defineAssistant, defineAssistantJob, defineRoute, defineTool, Type } from '../../kit/index.ts';
import { findAssistants } from './find-assistants.ts';
import { findCollisions } from './find-collisions.ts';
import type { FoundAssistant } from './found-assistant.ts';

const nothing = Type.Object({}, { additionalProperties: false });
const tool = (name: string) =>
  defineTool({ name, description: 'Does nothing.', input: nothing, writes: false, run: async () => null });
const job = (name: string) => defineAssistantJob({ name, input: nothing, run: async () => null });
const route = (path: string, name = 'listItems') =>
  defineRoute({ method: 'GET', path, name, summary: 'Nothing', answer: nothing, run: async () => ({}) });

function make(name: string, parts: Partial<FoundAssistant> = {}): FoundAssistant {
  const manifest = defineAssistant({
    description: 'Does nothing.',
    tools: [],
    exportUser: async function* () {},
    eraseUser: async () => {},
  });
  return { ...manifest, name, instructions: '', ...parts };
}

const coreErrors = [{ code: 'chat.session_not_found' }];

test('assistants that have nothing in common go together', () => {
  const parts = { tools: [tool('add')], routes: [route('/items')] };
  expect(findCollisions([make('one', parts), make('two', parts)], coreErrors)).toEqual([]);
});

test.each<[string, FoundAssistant[], string]>([
  ['the same name', [make('one'), make('one')], 'one: two assistants have this name'],
  ['a name of the server', [make('chat')], 'chat: the server itself uses this name'],
  ['an address of the server', [make('auth')], 'auth: the server itself uses this name'],
  ['a schema of Postgres', [make('public')], 'public: the server itself uses this name'],
  ['a word of SQL for a name', [make('order')], 'order: Postgres reserves this word, so no schema is called so'],
  ['a name that is no schema', [make('To-do')], 'To-do: an assistant'],
  ['one tool twice', [make('one', { tools: [tool('add'), tool('add')] })], 'one: two tools are called one_add'],
  ['a tool that cannot be called', [make('one', { tools: [tool('Add it')] })], 'one: a tool cannot be called "Add it"'],
  ['one job twice', [make('one', { jobs: [job('send'), job('send')] })], 'one: two jobs are called one.send'],
  ['a job that cannot be called', [make('one', { jobs: [job('one.send')] })], 'one: a job cannot be called "one.send"'],
  [
    'a job that takes the user',
    [make('one', { jobs: [defineAssistantJob({ ...job('send'), input: Type.Object({ user_id: Type.String() }) })] })],
    'one: the input of the job send must leave out `user_id`',
  ],
  ['the name of jobs of the server', [make('referrals')], 'referrals: the server itself uses this name'],
  ['one route twice', [make('one', { routes: [route('/a'), route('/a')] })], 'one: two routes are GET /api/one/a'],
  [
    'one route under two names of its parameter',
    [make('one', { routes: [route('/a/:x'), route('/a/:y')] })],
    'one: two routes are GET /api/one/a/:id',
  ],
  [
    'two routes of one name',
    [make('one', { routes: [route('/a'), route('/b')] })],
    'one: routes are called listItems alike: GET /a, GET /b',
  ],
  [
    'a route of a name that no client can call',
    [make('one', { routes: [route('/a', 'List items')] })],
    'one: the route GET /a must have a name such as "listItems"',
  ],
  [
    'a route without a name',
    [make('one', { routes: [{ ...route('/a'), name: undefined as never }] })],
    'one: the route GET /a must have a name such as "listItems"',
  ],
  ['a route beside its address', [make('one', { routes: [route('a')] })], 'one: a route cannot be at "a"'],
  ['a route at the address of another', [make('one', { routes: [route('/../two')] })], 'be at "/../two"'],
  [
    'an error of another',
    [make('one', { errors: defineErrors('two', { lost: { status: 404, message: 'Lost.' } }) })],
    'one: the error two.lost must begin with "one."',
  ],
])('assistants with %s are refused', (_what, assistants, fault) => {
  expect(findCollisions(assistants, coreErrors).join('\n')).toContain(fault);
});

describe('a folder', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'evenkeel-assistants-'));
  });

  afterEach(() => rm(root, { recursive: true }));

  async function write(name: string, index: string): Promise<void> {
    await mkdir(join(root, name));
    await writeFile(join(root, name, 'index.ts'), index);
    await writeFile(join(root, name, 'instructions.md'), `You are ${name}.`);
  }

  const manifest = `export const assistant = {
    description: 'Does nothing.', tools: [], async *exportUser() {}, async eraseUser() {} };`;

  test('is an assistant of its name, with its instructions', async () => {
    await write('two', manifest);
    await write('one', manifest);
    await cp(join(root, 'one', 'instructions.md'), join(root, 'note.md'));
    expect(await findAssistants(root)).toMatchObject([
      { name: 'one', instructions: 'You are one.' },
      { name: 'two', instructions: 'You are two.' },
    ]);
  });

  test('that exports anything else stops the start', async () => {
    await write('one', `${manifest} export const more = 1;`);
    await expect(findAssistants(root)).rejects.toThrow('exports `assistant` and nothing else');
  });

  test.each<[string, string | RegExp]>([
    ['{}', 'has no `description`, `tools`, `exportUser`, `eraseUser`'],
    ['undefined', 'has no `description`, `tools`, `exportUser`, `eraseUser`'],
    ["{ description: 'Does nothing.', tools: [], async *exportUser() {} }", 'has no `eraseUser`'],
    ["{ description: 'Does nothing.', tools: {}, async *exportUser() {}, async eraseUser() {} }", 'has no `tools`'],
    [
      `{ ...whole, tools: [{ name: 'add', description: '', input: {}, run() {} }] }`,
      'tools[0] of the assistant has no `writes`',
    ],
    ['{ ...whole, tools: [undefined] }', 'tools[0] of the assistant has no `name`, `description`, `input`'],
    [
      `{ ...whole, routes: [{ method: 'GET', path: '/', summary: '', run() {} }] }`,
      'routes[0] of the assistant has no `answer`',
    ],
    [`{ ...whole, jobs: [{ name: 'send', run() {} }] }`, 'jobs[0] of the assistant has no `input`'],
    ['{ ...whole, jobs: {} }', 'has no `jobs`'],
    ['missing()', /one.index\.ts cannot be loaded: missing is not defined/],
  ])('whose assistant is %s stops the start, saying what is wrong', async (written, fault) => {
    const whole = `const whole = { description: '', tools: [], async *exportUser() {}, async eraseUser() {} };`;
    await write('one', `${whole} export const assistant = ${written};`);
    await expect(findAssistants(root)).rejects.toThrow(fault);
  });

  test.each(['', '\n'])('whose instructions are %j stops the start, saying so', async (instructions) => {
    await write('one', manifest);
    await writeFile(join(root, 'one', 'instructions.md'), instructions);
    await expect(findAssistants(root)).rejects.toThrow(/one.instructions\.md is missing or empty/);
  });

  test('with a name that is taken stops the start, saying so', async () => {
    await write('chat', manifest);
    await expect(findAssistants(root)).rejects.toThrow('chat: the server itself uses this name');
  });
});
