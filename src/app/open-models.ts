import {
  createModels,
  type ModelDefinition,
  type Models,
  type ModelsOptions,
  readModelsFile,
} from '../core/models/index.ts';
import type { Config } from '../platform/config/index.ts';
import { namesThisMachine } from './names-this-machine.ts';

/** Tries after the first one, of one request at one target. */
const RETRIES = 2;

/**
 * The models of the configuration, the default one first; none when the offline model is the only one.
 * @throws ConfigError with all that is wrong with `MODELS_FILE`.
 */
export function listModels({ models }: Config): readonly ModelDefinition[] {
  const { baseUrl, apiKey, model: name, allowPrivate, file, ...timeouts } = models;
  const defaults = { ...timeouts, retries: RETRIES };
  if (file !== undefined) return readModelsFile(file, defaults);
  if (baseUrl === undefined || name === undefined) return [];
  const target = {
    ...defaults,
    name: 'provider',
    baseUrl,
    model: name,
    allowPrivate: allowPrivate === 'on' || namesThisMachine(new URL(baseUrl)),
    ...(apiKey !== undefined && { apiKey }),
  };
  return [{ name, targets: [target] }];
}

/**
 * Opens the models of the configuration. Connects to nothing yet.
 * @throws ConfigError with all that is wrong with `MODELS_FILE`.
 */
export function openModels(config: Config, options: Pick<ModelsOptions, 'clock' | 'log' | 'onCall'>): Models {
  return createModels({ ...options, models: listModels(config) });
}
