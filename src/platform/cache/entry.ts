import type { CallContext } from '../../base/call-context.ts';

/** What a load answers. */
export interface Loaded<Value> {
  /** Must survive JSON: texts, numbers, booleans, nulls, arrays and plain objects. */
  readonly value: Value;
  /** Whose value it is: what invalidations name. */
  readonly tag: string;
  /** Grows with every change of what belongs to the tag; read in the same snapshot as the value. */
  readonly version: number;
  /** When, by the source's own clock, in milliseconds rounded down; no later than the snapshot that was read. */
  readonly loadedAtMs: number;
}

/** Reads the value of a key at the source; undefined when there is none. */
export type Load<Value> = (key: string, context: CallContext) => Promise<Loaded<Value> | undefined>;

/** A value in the cache, and what decides whether it may serve. */
export interface Entry<Value> extends Loaded<Value> {
  /** When the load began, or when it must have been, on this process's monotonic clock. */
  readonly confirmedAtMs: number;
  /** The era of `Trust` in which its load began. */
  readonly era: number;
}
