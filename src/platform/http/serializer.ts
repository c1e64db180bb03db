import fastJsonStringify from 'fast-json-stringify';
import type { FastifySerializerCompiler } from 'fastify';

/** Makes what writes answers as their schemas say. A schema is compiled once, though a GET and its HEAD both have it. */
export function createSerializerCompiler(): FastifySerializerCompiler<object> {
  const serializers = new WeakMap<object, (data: unknown) => string>();
  return ({ schema }) => {
    const serialize = serializers.get(schema) ?? fastJsonStringify(schema);
    serializers.set(schema, serialize);
    return serialize;
  };
}
