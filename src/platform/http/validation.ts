import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import type { FastifySchemaCompiler } from 'fastify';
import { createStrictAjv } from '../../base/strict-ajv.ts';
import { createIdReader } from './read-ids.ts';
import { createCoercion } from './string-coercion.ts';
import { describeFault, type FieldFault, invalidField, nameField } from './validation-fault.ts';

function refuse(fault: FieldFault) {
  return { error: invalidField(fault) };
}

/** The parameter, if any, that holds what Postgres cannot store; a body was looked through when it was parsed. */
function findNul(values: Record<string, unknown>): string | undefined {
  return Object.keys(values).find((name) => String(values[name]).includes('\0'));
}

/**
 * Makes what checks each part of a request against its schema: the body as it is; query and path after reading numbers and
 * booleans from their text. Nothing is dropped or bent to fit; only defaults are filled in, and ids written in lower case. What
 * does not fit is `http.invalid_request` with `param` naming the first field at fault and a message that names it too and says
 * what is expected, never what came.
 * A schema is compiled by the first request that it checks: docs/decisions/0034-what-a-start-needs.md.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const ajv = createStrictAjv({ useDefaults: true, verbose: true });
  return ({ schema, httpPart }) => {
    const part = httpPart ?? 'body';
    let validate: ValidateFunction | undefined;
    const readIds = createIdReader(schema);
    const check = (value: unknown) => {
      readIds(value);
      validate ??= ajv.compile(schema);
      if (validate(value)) return { value };
      return refuse(describeFault(validate.errors as ErrorObject[], part));
    };
    if (part === 'body') {
      return (data: unknown) =>
        data === null ? refuse({ param: 'body', problem: 'A body is required: send a JSON object.' }) : check(data);
    }
    const coerce = createCoercion(schema);
    return (values: Record<string, unknown>) => {
      const fault = coerce(values);
      if (fault !== undefined) return refuse(nameField(fault.repeated, 'must be given once'));
      const nul = findNul(values);
      if (nul !== undefined) return refuse(nameField(nul, 'must not hold NUL characters'));
      return check(values);
    };
  };
}
