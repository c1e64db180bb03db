import type { Logger } from '../platform/log/index.ts';

/**
 * Has the log tell of promises that fail and that nobody waits for, by which Node would end the process: an `await` that one
 * assistant forgot must not cut off everybody's streams. Nothing else is left half done by it; not so by an exception that
 * nobody catches, which ends the process as ever.
 */
export function outliveRejections(process: NodeJS.Process, log: Logger): void {
  process.on('unhandledRejection', (reason) => {
    // What is no error may be what a user wrote.
    const err = reason instanceof Error ? reason : new Error(`rejected with a ${typeof reason}`);
    log.error({ err }, 'a promise failed that nobody waits for: where it was made, an await is missing');
  });
}
