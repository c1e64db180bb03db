import type { Client } from 'pg';

/** Whether the server answers on this connection within `boundMs`. */
export function checkConnection(client: Client, boundMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    // What came while this process stood still is read before anything is made of the time.
    const timer = setTimeout(() => setImmediate(resolve, false), boundMs);
    void client.query('select 1', (error) => {
      clearTimeout(timer);
      resolve(!error);
    });
  });
}
