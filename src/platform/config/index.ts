export { type ConfigFile, VARIABLE_NAME } from './config-file.ts';
export { type Config, ConfigError, listSecrets, loadConfig } from './load-config.ts';
export { LONGEST_MS } from './milliseconds.ts';
export { findBaseUrlFault } from './model-base-url.ts';
export { renderConfigReference } from './render-reference.ts';
export { isSigningSecret } from './sign-in-variables.ts';
export { isModelApiKey } from './variables.ts';
