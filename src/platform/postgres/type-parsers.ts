import pg from 'pg';

const DATE = 1082;
const DATE_ARRAY = 1182;
const INT8 = 20;
const INT8_ARRAY = 1016;
// pg's own table of types leaves the arrays out.
const TEXT_ARRAY = 1009;

const parseTextArray = pg.types.getTypeParser(TEXT_ARRAY as number, 'text') as (text: string) => (string | null)[];

/**
 * How values become JavaScript: as pg does it (`timestamptz` a Date, `jsonb` parsed, `numeric` a string, `bytea` a Buffer),
 * but `int8` is a number, and a `date` stays text: a day has no instant. Counts and amounts in minor units fit; one beyond
 * 2^53 fails its statement rather than lose its last digits.
 */
export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') => {
    if (format !== 'binary' && oid === DATE) return keepText;
    if (format !== 'binary' && oid === DATE_ARRAY) return parseTextArray;
    if (format !== 'binary' && oid === INT8) return parseInt8;
    if (format !== 'binary' && oid === INT8_ARRAY) return parseInt8Array;
    return pg.types.getTypeParser(oid, format);
  }) as typeof pg.types.getTypeParser,
};

function keepText(text: string): string {
  return text;
}

function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('an int8 of the result is beyond 2^53: select it as text');
  return value;
}

function parseInt8Array(text: string): (number | null)[] {
  return parseTextArray(text).map((item) => (item === null ? null : parseInt8(item)));
}
