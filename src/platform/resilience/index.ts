export { CircuitBreaker, type CircuitBreakerOptions, type Permit } from './circuit-breaker.ts';
export { type BreakerState, type GuardedDatabase, type GuardOptions, guardDatabase } from './guard-database.ts';
export { type LimitOptions, limitPerStatement } from './limit-per-statement.ts';
export { RetryBudget } from './retry-budget.ts';
