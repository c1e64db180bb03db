import { Logger as GraphileLogger } from 'graphile-worker';
import type { Logger } from '../log/index.ts';

const levels = { error: 'warn', warning: 'warn', info: 'debug', debug: 'trace' } as const;

/**
 * Where graphile-worker's own lines go: ours, a level lower, without its fields, which hold payloads. Left out are
 * its line on each job that failed, for ours says more, and its advice on the size of our pool, which is small on purpose.
 */
export function graphileLog(log: Logger): GraphileLogger {
  return new GraphileLogger(() => (level, message, fields) => {
    const isLeftOut = fields?.failure === true || message.includes('maxPoolSize');
    if (!isLeftOut) log[levels[level]](message);
  });
}
