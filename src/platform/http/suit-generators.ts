import { VALUES } from './name-schemas.ts';

const MAX_INT32 = 2 ** 31 - 1;

/**
 * Answers a piece of the document as generators of clients can use it. Without `int64`, clients of Java, C# and Go read an integer
 * into 32 bits, and fail at the first amount, or number of tokens, that is larger. A boolean that is always true has no list of
 * its values: of that, Java's do not compile.
 */
export function suitGenerators(part: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map(suitGenerators);
  const suited: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(part)) suited[key] = VALUES.has(key) ? value : suitGenerators(value);
  const { type, maximum = Number.POSITIVE_INFINITY } = part as { type?: unknown; maximum?: unknown };
  if ([type].flat().includes('integer') && Number(maximum) > MAX_INT32) suited.format = 'int64';
  if (type === 'boolean') delete suited.enum;
  return suited;
}
