import { LRUCache } from 'lru-cache';
import type { Entry } from './entry.ts';

/**
 * What an entry takes in memory besides its texts, in bytes: its objects, its places in the maps. For 10,000 callers the
 * estimate is held against the heap by `cache-memory.test.ts`.
 */
const OVERHEAD_BYTES = 300;

/** A text with a character beyond Latin-1 takes two bytes for each; that is held for true of all that are not ASCII. */
function bytesInMemory(text: string): number {
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}

/** What may be kept. */
export interface MemoryBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** The entries of this process: bounded in number and size, the least recently used go first; found by key and by tag. */
export class MemoryLayer<Value> {
  readonly #entries: LRUCache<string, Entry<Value>>;
  /** The keys of each tag. Nearly all tags have one; a set for each would be most of the memory. */
  readonly #keys = new Map<string, string | Set<string>>();
  #evictions = 0;

  constructor({ maxEntries, maxBytes }: MemoryBounds) {
    this.#entries = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      dispose: (entry, key, reason) => {
        if (reason === 'evict') this.#evictions++;
        this.#removeKey(entry.tag, key);
      },
    });
  }

  get tagCount(): number {
    return this.#keys.size;
  }

  get sizeBytes(): number {
    return this.#entries.calculatedSize;
  }

  /** Entries that went because there was no room for them. */
  get evictions(): number {
    return this.#evictions;
  }

  get(key: string): Entry<Value> | undefined {
    return this.#entries.get(key);
  }

  /** Keeps an entry, unless it alone is too large; `text` is its value as JSON, for the estimate of its size. */
  set(key: string, entry: Entry<Value>, text: string): void {
    // What it replaces may be of another tag; that is disposed of meanwhile.
    this.#entries.set(key, entry, { size: OVERHEAD_BYTES + key.length + bytesInMemory(text) });
    if (this.#entries.has(key)) this.#addKey(entry.tag, key);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  deleteTag(tag: string): void {
    const keys = this.#keys.get(tag);
    for (const key of typeof keys === 'string' ? [keys] : [...(keys ?? [])]) this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
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
