import type { Action } from './load-plan.ts';

/** Somebody who uses the server: does one thing after the other. */
export interface LoadUser {
  /** Does it. @throws Error whose message tells what went wrong, without content. */
  do(action: Action): Promise<void>;
  close(): Promise<void>;
}
