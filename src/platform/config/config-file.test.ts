import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listProblems } from '../../../test/harness/list-problems.ts';
import { listSecrets, loadConfig } from './index.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'evenkeel-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The environment that names a file with this text. */
function naming(text: string, variables: Record<string, string> = {}): Record<string, string> {
  const path = join(directory, 'models.yaml');
  writeFileSync(path, text);
  return { MODELS_FILE: path, ...variables };
}

describe('a file that a variable names', () => {
  test.each(['models:\n  - name: a # YAML\n', '{"models": [{"name": "a"}]}'])('is read as YAML and JSON', (text) => {
    const { file } = loadConfig(naming(text)).models;
    expect(file).toMatchObject({ content: { models: [{ name: 'a' }] }, named: {} });
  });

  test('names variables that are then known, and whose values are secrets', () => {
    const text = 'models: [{api_key_env: MODEL_KEY_A}, {api_key_env: B_KEY}]';
    const config = loadConfig(naming(text, { MODEL_KEY_A: 'secret-a', B_KEY: 'secret-b', C_KEY: 'secret-c' }));
    expect(config.models.file?.named).toEqual({ MODEL_KEY_A: 'secret-a', B_KEY: 'secret-b' });
    expect(listSecrets(config)).toEqual(['secret-a', 'secret-b']);
  });

  test('that are not set is a problem', () => {
    const text = 'models: [{api_key_env: A_KEY}, {api_key_env: B_KEY}, {api_key_env: A_KEY}]';
    expect(listProblems(naming(text, { B_KEY: '' }))).toEqual([
      'MODELS_FILE: the file names variables that are not set: A_KEY, B_KEY',
    ]);
  });

  test.each(['sk-proj-verysecret', 'gsk_verysecret'])(
    'is not quoted where it has the key %s in place of a name',
    (key) => {
      expect(listProblems(naming(`models: [{api_key_env: ${key}}]`))).toEqual([]);
    },
  );

  test('that is not there, or is no YAML, is a problem among the others', () => {
    expect(listProblems({ MODELS_FILE: 'nowhere/models.yaml', PORT: 'x' })).toEqual([
      'PORT: "x" is not an integer from 0 to 65535',
      `MODELS_FILE: there is no file that can be read at ${resolve('nowhere/models.yaml')}`,
    ]);
    expect(listProblems(naming('models: [\n  sk-secret'))).toEqual([
      expect.stringMatching(/^MODELS_FILE: the file is neither YAML nor JSON: line \d+, column \d+ \(bad indent\)$/),
    ]);
  });

  test.each([
    ['models: 1\nmodels: 2', 'line 2, column 1 (duplicate key)'],
    ['models:\n\t- name: a', 'line 2, column 1 (tab as indent)'],
    ['key: !secret sk-verysecret', 'line 1, column 6 (tag resolve failed)'],
  ])('%j is refused with the reason, and without a word of it', (text, reason) => {
    expect(listProblems(naming(text))).toEqual([`MODELS_FILE: the file is neither YAML nor JSON: ${reason}`]);
  });

  test('stands alone: not beside a provider in the environment', () => {
    const one = { MODEL_BASE_URL: 'https://a.example/v1', MODEL_NAME: 'a' };
    expect(listProblems(naming('{}', one))).toEqual([
      'MODELS_FILE: set beside MODEL_BASE_URL; put that provider into the file',
    ]);
  });
});
