export { createLogger, type Logger, logLevels, logOwn } from './create-logger.ts';
export { createMask, maskSecrets } from './mask-secrets.ts';
export { Trouble } from './trouble.ts';
