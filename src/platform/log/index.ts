export type { Logger } from './create-logger.ts';
export { createLogger, type LogLevel, logLevels } from './create-logger.ts';
export { createMask, maskSecrets } from './mask-secrets.ts';
