import { isIP } from 'node:net';
import {
  createModels,
  type ModelDefinition,
  type Models,
  type ModelsOptions,
  readModelsFile,
} from '../core/models/index.ts';
import { type Config, ConfigError } from '../platform/config/index.ts';

/** Tries after the first one, of one request at one target. */
const RETRIES = 2;

/** Whether a URL itself says that it leads to this machine, so that nobody can mean another one. */
function namesThisMachine(url: string): boolean {
  const { hostname } = new URL(url);
  const isLoopback = hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
  return isLoopback || hostname === 'localhost';
}

/**
 * The models of the configuration, the default one first; none when the offline model is the only one.
 * @throws ConfigError with all that is wrong with `MODELS_FILE`.
 */
export function listModels({ models }: Config): readonly ModelDefinition[] {
  const { baseUrl, apiKey, model: name, allowPrivate, file, ...timeouts } = models;
  const defaults = { ...timeouts, retries: RETRIES };
  if (file !== undefined) {
    const read = readModelsFile(file, defaults);
    if ('models' in read) return read.models;
    throw new ConfigError(read.problems.map((problem) => `MODELS_FILE: ${problem}`));
  }
  if (baseUrl === undefined || name === undefined) return [];
  const target = {
    ...defaults,
    name: 'provider',
    baseUrl,
    model: name,
    allowPrivate: allowPrivate === 'on' || namesThisMachine(baseUrl),
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
