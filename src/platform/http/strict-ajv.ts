import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { strictFormats } from './formats.ts';

/** Makes what compiles schemas. Nothing is dropped or bent to fit; only defaults are filled in. */
export function createStrictAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    useDefaults: true,
    coerceTypes: false,
    removeAdditional: false,
    allErrors: false,
    // Unknown keywords and formats are typing errors; the rest of strict mode forbids `if`/`then` and optional defaults.
    strict: false,
    strictSchema: true,
    formats: strictFormats,
  });
  addFormats.default(ajv, ['email', 'uri', 'ipv4', 'ipv6']);
  return ajv;
}
