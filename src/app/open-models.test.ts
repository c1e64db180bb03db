import { expect, test } from 'vitest';
import { loadConfig } from '../platform/config/index.ts';
import { listModels } from './open-models.ts';

const listAt = (baseUrl: string, variables: Record<string, string> = {}) =>
  listModels(loadConfig({ MODEL_BASE_URL: baseUrl, MODEL_NAME: 'm', ...variables }));

test('the model of the variables has one target, which is asked twice more', () => {
  expect(listAt('https://example.com/v1', { MODEL_API_KEY: 'secret' })).toEqual([
    {
      name: 'm',
      targets: [expect.objectContaining({ model: 'm', apiKey: 'secret', retries: 2, allowPrivate: false })],
    },
  ]);
  expect(listModels(loadConfig({}))).toEqual([]);
});

test.each([
  ['http://10.0.0.1/v1', false],
  ['http://localhost:1/v1', true],
  ['http://127.0.0.1/v1', true],
  ['http://127.1.2.3/v1', true],
  ['http://[::1]:1/v1', true],
  ['http://localhost.example.com/v1', false],
  ['http://127.0.0.1.example.com/v1', false],
  ['http://my-localhost/v1', false],
])('an address of this machine may be private, another where the operator says so: %s is %j', (baseUrl, isAllowed) => {
  const mayBePrivate = (variables?: Record<string, string>) => listAt(baseUrl, variables)[0]?.targets[0]?.allowPrivate;
  expect(mayBePrivate()).toBe(isAllowed);
  expect(mayBePrivate({ MODEL_ALLOW_PRIVATE: 'on' })).toBe(true);
});
