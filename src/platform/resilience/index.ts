export { CircuitBreaker, type Permit } from './circuit-breaker.ts';
export { type BreakerState, type GuardedDatabase, guardDatabase } from './guard-database.ts';
export { limitPerStatement } from './limit-per-statement.ts';
export { RetryBudget } from './retry-budget.ts';
