import { LRUCache } from 'lru-cache';
import type { Entry } from './entry.ts';

/**
 * What an entry takes in memory besides its texts, in bytes: its objects, its places in the maps. For 10,000 callers the
 * estimate is held against the heap by `cache-memory.test.ts`.
 */
const OVERHEAD_BYTES = 300;

interface Slot<Value> {
  readonly entry: Entry<Value>;
  readonly sizeBytes: number;
}

/** The entries of this process: bounded in number, the least recently used go first; found by key and by tag. */
export class MemoryLayer<Value> {
  readonly #slots: LRUCache<string, Slot<Value>>;
  /** The keys of each tag. Nearly all tags have one; a set for each would be most of the memory. */
  readonly #keys = new Map<string, string | Set<string>>();
  #sizeBytes = 0;
  #evictions = 0;

  constructor(maxEntries: number) {
    this.#slots = new LRUCache({
      max: maxEntries,
      dispose: (slot, key, reason) => {
        if (reason === 'evict') this.#evictions++;
        this.#sizeBytes -= slot.sizeBytes;
        this.#removeKey(slot.entry.tag, key);
      },
    });
  }

  get tagCount(): number {
    return this.#keys.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Entries that went because there were too many. */
  get evictions(): number {
    return this.#evictions;
  }

  get(key: string): Entry<Value> | undefined {
    return this.#slots.get(key)?.entry;
  }

  /** Keeps an entry; `text` is its value as JSON, for the estimate of its size. */
  set(key: string, entry: Entry<Value>, text: string): void {
    const sizeBytes = OVERHEAD_BYTES + key.length + text.length;
    // What it replaces may be of another tag; that is disposed of first.
    this.#slots.delete(key);
    this.#slots.set(key, { entry, sizeBytes });
    this.#sizeBytes += sizeBytes;
    this.#addKey(entry.tag, key);
  }

  delete(key: string): void {
    this.#slots.delete(key);
  }

  deleteTag(tag: string): void {
    const keys = this.#keys.get(tag);
    for (const key of typeof keys === 'string' ? [keys] : [...(keys ?? [])]) this.#slots.delete(key);
  }

  clear(): void {
    this.#slots.clear();
  }

  #addKey(tag: string, key: string): void {
    const keys = this.#keys.get(tag);
    if (keys === undefined) this.#keys.set(tag, key);
    else if (typeof keys === 'string') this.#keys.set(tag, new Set([keys, key]));
    else keys.add(key);
  }

  #removeKey(tag: string, key: string): void {
    const keys = this.#keys.get(tag);
    if (typeof keys === 'object') keys.delete(key);
    if (keys === key || (typeof keys === 'object' && keys.size === 0)) this.#keys.delete(tag);
  }
}
