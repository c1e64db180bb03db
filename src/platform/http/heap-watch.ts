import { constants, type NodeGCPerformanceDetail, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { type Clock, systemClock } from '../../base/time.ts';
import type { Logger } from '../log/index.ts';

const MIB = 1024 * 1024;

/**
 * What V8 keeps of its limit for the young part of the heap, in bytes: three times the largest half of it, 64 MiB, which is
 * what `npm start` sets and what Node 24 comes to by itself on a machine of 4 GB or more. Where it is less, the old part is
 * taken for smaller than it is, and full a little early.
 */
const YOUNG_BYTES = 192 * MIB;

/**
 * The smallest old part that is judged, in bytes. What seems smaller is that of a small machine whose young part is small as
 * well (67 MiB with 512 MB), and a server that has just started (55 MiB) would nearly fill it.
 */
const SMALLEST_OLD_BYTES = 96 * MIB;

/**
 * The share of the old part in use from which it is full. V8 ends a process whose collections leave 80% of it in use, when it
 * comes to little else than collecting, as on a busy machine: so what is under way needs room below that.
 */
const FULL_RATIO = 0.7;

/** How long what a collection told is believed, in milliseconds: none may come while nothing is begun. As `Retry-After`. */
const BELIEVED_MS = 1000;

/** An entry of the kind `gc`; Node's types leave out what it tells. */
type Collection = PerformanceEntry & { readonly detail: NodeGCPerformanceDetail };

const isMajor = ({ detail }: Collection): boolean => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR;

/** What the old part of the heap holds, and the most that it may. */
export interface OldHeap {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

function readOldHeap(): OldHeap {
  const old = getHeapSpaceStatistics().filter(({ space_name }) => !/^(new|read_only)_/.test(space_name));
  const usedBytes = old.reduce((sum, { space_used_size }) => sum + space_used_size, 0);
  return { usedBytes, limitBytes: getHeapStatistics().heap_size_limit - YOUNG_BYTES };
}

export interface HeapWatchOptions {
  readonly log: Logger;
  readonly clock?: Clock;
  /** V8's own figures when absent. */
  readonly readHeap?: () => OldHeap;
}

/**
 * Knows whether the memory of this process is nearly used up, after which V8 ends it: docs/decisions/0032-full-heap.md.
 * In between collections most of what is in use may be garbage, so it looks only when one has just been.
 */
export class HeapWatch {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #readHeap: () => OldHeap;
  readonly #observer: PerformanceObserver;
  #fullUntilMs = Number.NEGATIVE_INFINITY;
  #isToldFull = false;

  constructor({ log, clock = systemClock, readHeap = readOldHeap }: HeapWatchOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#readHeap = readHeap;
    this.#observer = new PerformanceObserver((list) => {
      if ((list.getEntries() as Collection[]).some(isMajor)) this.#look();
    });
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** Whether there is too little room for another request: by a collection in the last second. */
  isFull(): boolean {
    return this.#isToldFull && this.#clock.monotonicMs() < this.#fullUntilMs;
  }

  /** Looks no more. */
  close(): void {
    this.#observer.disconnect();
  }

  #look(): void {
    const { usedBytes, limitBytes } = this.#readHeap();
    const fields = { used_bytes: usedBytes, limit_bytes: limitBytes };
    if (limitBytes >= SMALLEST_OLD_BYTES && usedBytes >= FULL_RATIO * limitBytes) {
      this.#fullUntilMs = this.#clock.monotonicMs() + BELIEVED_MS;
      if (!this.#isToldFull) this.#log.warn(fields, 'memory is nearly full: requests are refused');
      this.#isToldFull = true;
    } else if (this.#isToldFull && !this.isFull()) {
      this.#isToldFull = false;
      this.#log.info(fields, 'memory has room again');
    }
  }
}
