import type { Client } from 'pg';
import { inTime } from '../../base/in-time.ts';

/** Whether the server answers on this connection within `boundMs`. */
export function checkConnection(client: Client, boundMs: number): Promise<boolean> {
  return inTime(boundMs, client.query('select 1')).then(
    () => true,
    () => false,
  );
}
