export type { Logger } from './create-logger.ts';
export { createLogger, type LogLevel, logLevels, logOwn } from './create-logger.ts';
export { createMask, maskSecrets } from './mask-secrets.ts';
