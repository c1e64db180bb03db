export { type BreakerState, type GuardedDatabase, type GuardOptions, guardDatabase } from './guard-database.ts';
export { type LimitOptions, limitPerStatement } from './limit-per-statement.ts';
