import type { ErrorObject } from 'ajv/dist/2020.js';
import { createStrictAjv } from '../../base/strict-ajv.ts';
import { createIdReader } from './read-ids.ts';
import { describeFault, type FieldFault } from './validation-fault.ts';

/** Says what is wrong with a value, naming the field; undefined when it fits. Fills in defaults, writes ids in lower case. */
export type InputCheck = (value: unknown) => FieldFault | undefined;

const ajv = createStrictAjv({ useDefaults: true, verbose: true });

/** Makes a check of values that are not a request's body, against a JSON Schema and as strict as that. */
export function createInputCheck(schema: object): InputCheck {
  const validate = ajv.compile(schema);
  const readIds = createIdReader(schema);
  return (value) => {
    readIds(value);
    return validate(value) ? undefined : describeFault(validate.errors as ErrorObject[], 'input');
  };
}
