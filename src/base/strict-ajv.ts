import { Ajv2020, type Options } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { strictFormats } from './formats.ts';

/** Makes what compiles schemas. A value is read as it is: nothing is dropped, or bent to fit. */
export function createStrictAjv(options: Pick<Options, 'useDefaults' | 'allErrors' | 'verbose'> = {}): Ajv2020 {
  const ajv = new Ajv2020({
    coerceTypes: false,
    removeAdditional: false,
    // Unknown keywords and formats are typing errors; the rest of strict mode forbids `if`/`then` and optional defaults.
    strict: false,
    strictSchema: true,
    formats: strictFormats,
    // Compiling the meta-schema takes longer than all of ours together. What it would find in a schema, compiling that finds too.
    meta: false,
    validateSchema: false,
    // Shortening the code takes two fifths of the time of compiling, and V8 runs it no faster.
    code: { optimize: false },
    ...options,
  });
  addFormats.default(ajv, ['email', 'uri', 'ipv4', 'ipv6']);
  return ajv;
}
