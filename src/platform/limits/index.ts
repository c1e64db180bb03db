export { createFailureLimiter } from './failure-limiter.ts';
export { Limiter, type Standing, type Verdict } from './limiter.ts';
export { type LimitRule, windowOf } from './window.ts';
