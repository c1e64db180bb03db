import fastJsonStringify from 'fast-json-stringify';
import type { FastifySerializerCompiler } from 'fastify';

/**
 * Makes what writes answers as their schemas say. A schema is compiled by the first answer that it writes, once, though a GET
 * and its HEAD both have it.
 */
export function createSerializerCompiler(): FastifySerializerCompiler<object> {
  const serializers = new WeakMap<object, (data: unknown) => string>();
  return ({ schema }) => {
    const known = serializers.get(schema);
    if (known !== undefined) return known;
    let write: ((data: unknown) => string) | undefined;
    const serialize = (data: unknown): string => {
      write ??= fastJsonStringify(schema);
      return write(data);
    };
    serializers.set(schema, serialize);
    return serialize;
  };
}
