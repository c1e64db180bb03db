import type { Registry } from 'prom-client';
import type { PoolHealth, PoolStatus } from '../../platform/postgres/index.ts';
import { readAtScrape, type Sample } from '../../platform/telemetry/index.ts';

const states: readonly PoolHealth[] = ['HEALTHY', 'NORMAL', 'WARNING', 'CRITICAL'];

/** Adds the metrics of the pool of database connections. */
export function createPoolMetrics(registry: Registry) {
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    readAtScrape(registry, { type: 'gauge', name, help, labelNames });
  const readConnections = gauge(
    'evenkeel_pool_connections',
    'Connections to the database: active serve a caller or are being opened for one, idle wait for work.',
    ['state'],
  );
  const readTotal = gauge('evenkeel_pool_connections_open', 'Connections that are open or being opened.');
  const readKept = gauge('evenkeel_pool_connections_kept', 'Connections that are kept, as configured.');
  const readOverflow = gauge('evenkeel_pool_connections_overflow', 'Connections that are open beyond those kept.');
  const readWaiting = gauge('evenkeel_pool_waiting_callers', 'Callers that wait for a connection.');
  const readUse = gauge(
    'evenkeel_pool_utilisation_ratio',
    'Active connections as a share of all that may be open, 0 to 1.',
  );
  const readStatus = gauge('evenkeel_pool_status', '1 for what the pool is at the moment, else 0.', ['status']);
  return {
    watch(pool: () => PoolStatus): void {
      readConnections(() => [
        [pool().active, { state: 'active' }],
        [pool().idle, { state: 'idle' }],
      ]);
      readTotal(() => [[pool().total]]);
      readKept(() => [[pool().size]]);
      readOverflow(() => [[pool().overflow]]);
      readWaiting(() => [[pool().waiting]]);
      readUse(() => [[pool().utilisation]]);
      readStatus(() => states.map((status): Sample => [pool().status === status ? 1 : 0, { status }]));
    },
  };
}
