export { createFailureLimiter } from './failure-limiter.ts';
export { type Allowance, Limiter, type Standing, type Verdict } from './limiter.ts';
export { type LimitRule, windows } from './window.ts';
