import { type Static, Type } from 'typebox';
import { listFaults } from '../../base/schema-faults.ts';
import {
  ConfigError,
  type ConfigFile,
  findBaseUrlFault,
  isModelApiKey,
  LONGEST_MS,
  VARIABLE_NAME,
} from '../../platform/config/index.ts';
import type { TargetTimeouts } from './attempt.ts';
import { type ModelDefinition, OFFLINE, type TargetDefinition } from './create-models.ts';
import { closed } from './schema-parts.ts';

const Name = Type.String({ pattern: '^[\\x21-\\x7e]{1,256}$' });
/** What callers ask for: no longer than sessions and routes take. */
const ModelName = Type.String({
  pattern: '^[\\x21-\\x7e]{1,200}$',
  description: 'a name of at most 200 visible ASCII characters without spaces',
});
const TimeoutMs = Type.Optional(Type.Integer({ minimum: 1, maximum: LONGEST_MS }));

/** Headers that are ours to send, or that undici refuses to; a key belongs into `api_key_env`. */
const NOT_OURS =
  '^(?!(?:authorization|accept-encoding|connection|content-.*|expect|host|keep-alive|transfer-encoding|upgrade)$)[a-z0-9-]+$';

const TargetSchema = closed({
  name: Type.Optional(Name),
  base_url: Type.String({ pattern: '^https?://', description: 'a URL that starts with https:// or http://' }),
  model: Name,
  api_key_env: Type.Optional(
    Type.String({
      pattern: VARIABLE_NAME,
      description: 'the name of an environment variable, in capitals, not the key',
    }),
  ),
  headers: Type.Optional(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      propertyNames: {
        pattern: NOT_OURS,
        description: 'in lower case, and not one that the server sends itself',
      },
      additionalProperties: { type: 'string', pattern: '^[\\x20-\\x7e]*$' },
    }),
  ),
  allow_private: Type.Optional(Type.Boolean()),
  retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 5 })),
  connect_timeout_ms: TimeoutMs,
  first_byte_timeout_ms: TimeoutMs,
  chunk_timeout_ms: TimeoutMs,
  total_timeout_ms: TimeoutMs,
});
type TargetEntry = Static<typeof TargetSchema>;

const ModelsFileSchema = closed({
  default: Type.Optional(ModelName),
  models: Type.Array(closed({ name: ModelName, targets: Type.Array(TargetSchema, { minItems: 1, maxItems: 16 }) }), {
    minItems: 1,
    maxItems: 256,
  }),
});
type ModelsFile = Static<typeof ModelsFileSchema>;

type ModelsConfigFile = Pick<ConfigFile, 'content' | 'named'>;

/** What the file leaves out. */
type TargetDefaults = TargetTimeouts & Pick<TargetDefinition, 'retries'>;

function findTargetFaults({ base_url: url, api_key_env: variable }: TargetEntry, named: ConfigFile['named']): string[] {
  const urlFault = findBaseUrlFault(url);
  const faults = urlFault === undefined ? [] : [`base_url: ${urlFault}`];
  const apiKey = variable && named[variable];
  if (apiKey && !isModelApiKey(apiKey))
    faults.push(`api_key_env: ${variable} holds no key of visible ASCII characters without spaces`);
  return faults;
}

function findContradictions({ default: fallback, models }: ModelsFile, named: ConfigFile['named']): string[] {
  const names = models.map(({ name }) => name);
  const problems = names.includes(OFFLINE) ? [`models: ${OFFLINE} is the name of the built-in model`] : [];
  if (new Set(names).size < names.length) problems.push('models: two have the same name');
  if (fallback !== undefined && !names.includes(fallback)) problems.push('default: is none of the models');
  for (const [index, { targets }] of models.entries()) {
    const labels = targets.map((target, at) => target.name ?? String(at + 1));
    if (new Set(labels).size < labels.length) problems.push(`models[${index}].targets: two have the same name`);
    for (const [at, target] of targets.entries()) {
      problems.push(...findTargetFaults(target, named).map((fault) => `models[${index}].targets[${at}].${fault}`));
    }
  }
  return problems;
}

/** @throws ConfigError that lists all that is wrong with the file. */
function checkModels({ content, named }: ModelsConfigFile): ModelsFile {
  const faults = listFaults(ModelsFileSchema, content);
  const problems = faults.length > 0 ? faults : findContradictions(content as ModelsFile, named);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `MODELS_FILE: ${problem}`));
  return content as ModelsFile;
}

/**
 * The models that `MODELS_FILE` holds. A target that has no name goes by its place in the list, from 1; the default model
 * comes first.
 * @throws ConfigError that lists all that is wrong with the file.
 */
export function readModelsFile(file: ModelsConfigFile, defaults: TargetDefaults): ModelDefinition[] {
  const { default: fallback, models } = checkModels(file);
  const toTarget = (target: TargetEntry, index: number): TargetDefinition => {
    const apiKey = target.api_key_env && file.named[target.api_key_env];
    return {
      name: target.name ?? String(index + 1),
      baseUrl: target.base_url,
      model: target.model,
      allowPrivate: target.allow_private ?? false,
      retries: target.retries ?? defaults.retries,
      connectTimeoutMs: target.connect_timeout_ms ?? defaults.connectTimeoutMs,
      firstByteTimeoutMs: target.first_byte_timeout_ms ?? defaults.firstByteTimeoutMs,
      chunkTimeoutMs: target.chunk_timeout_ms ?? defaults.chunkTimeoutMs,
      totalTimeoutMs: target.total_timeout_ms ?? defaults.totalTimeoutMs,
      ...(apiKey && { apiKey }),
      ...(target.headers && { headers: target.headers }),
    };
  };
  return models
    .toSorted((a, b) => Number(b.name === fallback) - Number(a.name === fallback))
    .map(({ name, targets }) => ({ name, targets: targets.map(toTarget) }));
}
