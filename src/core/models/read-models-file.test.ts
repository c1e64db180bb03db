import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ConfigError } from '../../platform/config/index.ts';
import { readModelsFile } from './read-models-file.ts';

const defaults = {
  ...{ connectTimeoutMs: 1, firstByteTimeoutMs: 2, chunkTimeoutMs: 3, totalTimeoutMs: 4 },
  retries: 2,
};

function read(yaml: string, named: Record<string, string> = {}) {
  return readModelsFile({ content: parse(yaml), named }, defaults);
}

/** What is wrong with a file, without the variable that each line begins with. */
function problemsOf(yaml: string, named?: Record<string, string>): string[] {
  try {
    read(yaml, named);
    return [];
  } catch (error) {
    return (error as ConfigError).problems.map((problem) => problem.replace(/^MODELS_FILE: /, ''));
  }
}

const TARGET = '{base_url: "https://a.example/v1", model: m}';

describe('a file of models', () => {
  it('gives each model its targets in order, with what they leave out filled in', () => {
    const yaml = `
      models:
        - name: fast
          targets: [${TARGET}]
        - name: smart
          targets:
            - name: first
              base_url: https://a.example/v1
              model: a-1
              api_key_env: A_KEY
              headers: {x-title: Evenkeel}
              retries: 0
              connect_timeout_ms: 5
              first_byte_timeout_ms: 6
              chunk_timeout_ms: 7
              total_timeout_ms: 8
            - {base_url: "http://10.0.0.5/v1", model: b-1, allow_private: true}
      default: smart`;
    const open = { baseUrl: 'https://a.example/v1', allowPrivate: false };
    expect(read(yaml, { A_KEY: 'secret' })).toEqual([
      {
        name: 'smart',
        targets: [
          {
            ...{ ...open, name: 'first', model: 'a-1', apiKey: 'secret', headers: { 'x-title': 'Evenkeel' } },
            ...{ retries: 0, connectTimeoutMs: 5, firstByteTimeoutMs: 6, chunkTimeoutMs: 7, totalTimeoutMs: 8 },
          },
          { ...defaults, name: '2', baseUrl: 'http://10.0.0.5/v1', model: 'b-1', allowPrivate: true },
        ],
      },
      { name: 'fast', targets: [{ ...defaults, ...open, name: '1', model: 'm' }] },
    ]);
  });

  it.each(['connection', 'expect', 'keep-alive', 'upgrade'])('sends no header %s, which is not its own', (header) => {
    const yaml = `models: [{name: a, targets: [${TARGET.replace('}', `, headers: {${header}: x}}`)}]}]`;
    const problem = 'must be in lower case, and not one that the server sends itself';
    expect(problemsOf(yaml)).toEqual([`models[0].targets[0].headers.${header}: ${problem}`]);
  });

  it.each(['sk-key\n', 'sk key', 'sk-ключ', 'sk-clé'])(
    'takes no key that MODEL_API_KEY would not take, such as %j, and does not repeat it',
    (key) => {
      const yaml = `models: [{name: a, targets: [${TARGET}, ${TARGET.replace('}', ', api_key_env: A_KEY}')}]}]`;
      const problem = 'A_KEY holds no key of visible ASCII characters without spaces';
      expect(problemsOf(yaml, { A_KEY: key })).toEqual([`models[0].targets[1].api_key_env: ${problem}`]);
    },
  );

  it('names models as long as callers can ask for', () => {
    const name = 'n'.repeat(200);
    const model = 'm'.repeat(256);
    const yaml = `{models: [{name: ${name}, targets: [{base_url: "https://a.example/v1", model: ${model}}]}], default: ${name}}`;
    expect(read(yaml)).toMatchObject([{ name, targets: [{ model }] }]);
  });

  it('is told all that is wrong with it at once', () => {
    const yaml = `
      models:
        - name: a
          targets:
            - {base_url: ftp://x, model: m, api_key: inline}
            - {model: m, retries: 9, headers: {Authorization: x}}
        - {name: b, targets: []}
      defualt: a`;
    expect(problemsOf(yaml)).toEqual([
      'defualt: there is no such field',
      'models[0].targets[0].api_key: there is no such field',
      'models[0].targets[0].base_url: must be a URL that starts with https:// or http://',
      'models[0].targets[1].base_url: is missing',
      'models[0].targets[1].headers.Authorization: must be in lower case, and not one that the server sends itself',
      'models[0].targets[1].retries: must be <= 5',
      'models[1].targets: must have at least 1 item',
    ]);
  });

  it.each([
    ['', 'the file: must be object'],
    [
      `models: [{name: a, targets: [${TARGET.replace('}', ', api_key_env: gsk_verysecret}')}]}]`,
      'models[0].targets[0].api_key_env: must be the name of an environment variable, in capitals, not the key',
    ],
    ['models: []', 'models: must have at least 1 item'],
    [`models: [{name: offline, targets: [${TARGET}]}]`, 'models: offline is the name of the built-in model'],
    [`models: [{name: a, targets: [${TARGET}]}, {name: a, targets: [${TARGET}]}]`, 'models: two have the same name'],
    [
      `models: [{name: ${'n'.repeat(201)}, targets: [${TARGET}]}]`,
      'models[0].name: must be a name of at most 200 visible ASCII characters without spaces',
    ],
    [`{models: [{name: a, targets: [${TARGET}]}], default: b}`, 'default: is none of the models'],
    [
      `models: [{name: a, targets: [{base_url: "https://u:p@a.example", model: m}]}]`,
      'models[0].targets[0].base_url: holds a user or a password; the key has a place of its own',
    ],
    [
      `models: [{name: a, targets: [{base_url: "https://a.example/v1/chat/completions", model: m}]}]`,
      'models[0].targets[0].base_url: goes beyond /v1; leave /chat/completions away',
    ],
    [`models: [{name: a, targets: [{base_url: "https://", model: m}]}]`, 'models[0].targets[0].base_url: is no URL'],
    [
      `models: [{name: a, targets: [${TARGET.replace('{', '{name: x, ')}, ${TARGET.replace('{', '{name: x, ')}]}]`,
      'models[0].targets: two have the same name',
    ],
  ])('such as %s is refused', (yaml, problem) => {
    expect(problemsOf(yaml)).toEqual([problem]);
  });
});
