import type { Client } from 'pg';

/** Whether the server answers on this connection, within `boundMs` and before the signal aborts. */
export function checkConnection(client: Client, boundMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isAnswering: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(isAnswering);
    };
    const onAbort = (): void => settle(false);
    const timer = setTimeout(onAbort, boundMs);
    signal.addEventListener('abort', onAbort);
    void client.query('select 1', (error) => settle(!error));
  });
}
