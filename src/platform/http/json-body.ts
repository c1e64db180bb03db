import type { FastifyInstance } from 'fastify';
import { httpErrors } from './errors.ts';
import { type FieldFault, invalidField, nameField } from './validation-fault.ts';

const { raise } = httpErrors;

/** Deeper than any request of ours or OpenAI's; far from the depth at which a recursion like ours overflows the stack. */
const MAX_DEPTH = 64;
/** What a body of 1 MiB can reasonably hold; beyond it validation alone would hold up the event loop for too long. */
const MAX_VALUES = 100_000;

interface Fault {
  /** Where, from the value looked at: `.role`, `[0].role`; empty for the value itself. */
  readonly path: string;
  /** What is wrong with it, as the rest of a sentence that begins with its name. */
  readonly wrong: string;
}

/** Looks for what JSON can say and we cannot store or compute with. */
class BodyInspection {
  #valuesLeft = MAX_VALUES;

  find(value: unknown, depth: number): Fault | undefined {
    if (--this.#valuesLeft < 0) return { path: '', wrong: `is beyond the ${MAX_VALUES} values that a body may have` };
    if (typeof value === 'string') return findTextFault(value);
    if (typeof value === 'number') return findNumberFault(value);
    if (typeof value !== 'object' || value === null) return undefined;
    if (depth > MAX_DEPTH) return { path: '', wrong: `is nested more than ${MAX_DEPTH} levels deep` };
    return Array.isArray(value) ? this.#findInArray(value, depth) : this.#findInObject(value, depth);
  }

  #findInArray(items: unknown[], depth: number): Fault | undefined {
    for (let index = 0; index < items.length; index++) {
      const fault = this.find(items[index], depth + 1);
      if (fault !== undefined) return { ...fault, path: `[${index}]${fault.path}` };
    }
    return undefined;
  }

  #findInObject(fields: object, depth: number): Fault | undefined {
    for (const [name, value] of Object.entries(fields)) {
      const fault = findNameFault(name, value) ?? this.find(value, depth + 1);
      if (fault !== undefined) return { ...fault, path: `.${name}${fault.path}` };
    }
    return undefined;
  }
}

function findTextFault(text: string): Fault | undefined {
  if (text.includes('\0')) return { path: '', wrong: 'must not hold NUL characters' };
  if (!text.isWellFormed()) return { path: '', wrong: 'must be Unicode: it holds half a surrogate pair' };
  return undefined;
}

/**
 * From here on JSON is written with a power of ten: a magnitude, not a count that loses digits. Zod bounds the `float64` of a
 * tool so, by the greatest number that there is.
 */
const MIN_MAGNITUDE = 1e21;

/** Whether a number that is read from text is one to compute with. */
export function isPlainNumber(number: number): boolean {
  const losesDigits = Number.isInteger(number) && !Number.isSafeInteger(number) && Math.abs(number) < MIN_MAGNITUDE;
  // Minus zero passes for zero in comparisons and is another value elsewhere.
  return Number.isFinite(number) && !losesDigits && !Object.is(number, -0);
}

function findNumberFault(number: number): Fault | undefined {
  if (isPlainNumber(number)) return undefined;
  return { path: '', wrong: 'must be a finite number, an integer at most 2^53 - 1, and zero without a sign' };
}

function findNameFault(name: string, value: unknown): Fault | undefined {
  // Harmless where it was parsed; a pollution of every object where it is copied carelessly.
  const isPolluting =
    name === '__proto__' ||
    (name === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype'));
  return isPolluting ? { path: '', wrong: 'is a name that no field may have' } : findTextFault(name);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** What JSON can say and we cannot store or compute with, in a value that was parsed from it; undefined when there is none. */
export function findBodyFault(body: object): FieldFault | undefined {
  const fault = new BodyInspection().find(body, 1);
  return fault && nameField(fault.path === '' ? 'body' : fault.path.replace(/^\./, ''), fault.wrong);
}

/**
 * Reads a body of JSON: strict UTF-8, one object, bounded in depth and number of values, without numbers that lose their
 * value and text that Postgres cannot hold. Of a key given twice the last counts, as in `JSON.parse`. Nothing at all
 * reads as undefined; the route's schema says whether that will do.
 * @throws AppError `http.malformed_json` or `http.invalid_request`, with `param` naming the field.
 */
export function parseJsonBody(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(decoder.decode(bytes));
  } catch {
    // Without the cause: V8 quotes the body in it.
    throw raise.malformed_json({ param: 'body' });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalidField(nameField('body', 'must be a JSON object'));
  }
  const fault = findBodyFault(body);
  if (fault !== undefined) throw invalidField(fault);
  return body;
}

/** Makes JSON the only kind of body that a server reads, and `parseJsonBody` the way it does. */
export function acceptOnlyJson(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, bytes, done) => {
    try {
      done(null, parseJsonBody(bytes as Buffer));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
  // A DELETE has no body here; one that is sent is not read, whatever it is.
  server.addHttpMethod('DELETE', { overrideExisting: true });
}
