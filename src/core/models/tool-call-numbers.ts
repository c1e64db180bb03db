import { newCallId } from './call-id.ts';
import type { ToolCallDelta } from './completion.ts';
import { badResponse } from './read-answer.ts';

/** More calls than any answer makes: what a provider that never ends can have us remember. */
const MAX_CALLS = 1_000;

/** A call, as far as its pieces have to be told from those of others. */
interface KnownCall {
  /** As the provider last said it; empty until then. */
  id: string;
  readonly index: number;
}

function hasName({ function: called, custom }: ToolCallDelta): boolean {
  return Boolean(called?.name || custom?.name);
}

/**
 * Whether a piece is of another call than the newest at its index: Gemini gives all calls the same one. An id alone does not
 * say so, for some providers make a new one for each piece.
 */
function beginsAnother(newest: KnownCall, delta: ToolCallDelta): boolean {
  return hasName(delta) && Boolean(delta.id) && newest.id !== '' && newest.id !== delta.id;
}

/**
 * Gives each piece of the tool calls of one choice the index of its call, by which clients put them together. It is the
 * provider's own, unless that is missing or another call's.
 */
export class ToolCallNumbers {
  /** The newest call at each of the provider's indices; a Map, because an index may be any number. */
  readonly #newest = new Map<number, KnownCall>();
  /** Where each call's last id came; not searched for, since a call may come in a million pieces. */
  readonly #indexOfId = new Map<string, number>();
  readonly #taken = new Set<number>();
  #lastIndex = 0;

  /**
   * Sets the index of the next piece; and with the first one of a call its type and id, where they are missing.
   * @throws AppError `models.bad_response` when there are too many calls.
   */
  number(delta: ToolCallDelta): void {
    const index = delta.index ?? this.#guessIndex(delta);
    this.#lastIndex = index;
    let call = this.#newest.get(index);
    const isFirst = call === undefined || beginsAnother(call, delta);
    if (call === undefined || isFirst) {
      call = { id: '', index: this.#takeIndex(index) };
      this.#newest.set(index, call);
      delta.type ??= delta.custom ? 'custom' : 'function';
    }
    if (delta.id && delta.id !== call.id) this.#name(call, delta.id, index);
    // Not remembered: the provider's own may still come.
    if (isFirst && !delta.id && hasName(delta)) delta.id = newCallId();
    delta.index = call.index;
  }

  #name(call: KnownCall, id: string, index: number): void {
    this.#indexOfId.delete(call.id);
    this.#indexOfId.set(id, index);
    call.id = id;
  }

  /** The provider's own index where that is free, else the next one. */
  #takeIndex(wanted: number): number {
    if (this.#taken.size >= MAX_CALLS) throw badResponse('too many tool calls');
    const index = this.#taken.has(wanted) ? Math.max(...this.#taken) + 1 : wanted;
    this.#taken.add(index);
    return index;
  }

  /** Some providers leave the index out, and send a call in one piece, or its id with each or with the first. */
  #guessIndex({ id }: ToolCallDelta): number {
    if (!id) return this.#lastIndex;
    const index = this.#indexOfId.get(id);
    // Another call may have begun there since.
    return index !== undefined && this.#newest.get(index)?.id === id ? index : this.#newest.size;
  }
}
