import { type Static, type TSchema, Type } from 'typebox';

/*
 * Shapes that OpenAI's request is made of. Unions are only of different JSON types, so that a validator can tell which
 * one was meant and name the field at fault in it.
 */

/** The schema, or null. */
export function orNull<Schema extends TSchema>(schema: Schema) {
  const { type, enum: values } = schema as { type?: string; enum?: readonly unknown[] };
  const withNull = values === undefined ? {} : { enum: [...values, null] };
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: [type, 'null'], ...withNull });
}

/** A field that may be left out, or be null: OpenAI's optional fields take null for absent. */
export function nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Optional(orNull(schema));
}

/** One of some words. */
export function word<const Words extends readonly string[]>(words: Words) {
  return Type.Unsafe<Words[number]>({ type: 'string', enum: words });
}

/** An object of which only the given fields may be present. */
export function closed<Fields extends Record<string, TSchema>>(fields: Fields) {
  return Type.Object(fields, { additionalProperties: false });
}

/** An object that is passed on as it is: a JSON schema, say. */
export const anyObject = Type.Unsafe<Record<string, unknown>>({ type: 'object' });

/** An object or a list, as the schema says, or a string. */
export function stringOr<Schema extends TSchema>(schema: Schema, words?: readonly string[]) {
  return Type.Union([schema, words === undefined ? Type.String() : Type.String({ enum: words })]);
}

/** As `stringOr`, or null. */
export function stringOrNullOr<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Unsafe<string | null>({ type: ['string', 'null'] })]);
}
