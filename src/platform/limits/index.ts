export { addressKey } from './address-key.ts';
export {
  type Attempting,
  type CountedFailure,
  createFailureLimiter,
  type FailureLimiter,
  type FailureLimiterOptions,
} from './failure-limiter.ts';
export { Limiter, type LimiterOptions, type Standing, type Verdict } from './limiter.ts';
export { type LimitRule, type Span, type Window, windowOf } from './window.ts';
