import { isIP } from 'node:net';
import { isId } from './ids.ts';

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

/** Whether a string is a day that exists, as `2026-02-28`. The year 0 does not exist in Postgres. */
function isDate(text: string): boolean {
  const [, year, month, day] = (DATE.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined || year === 0) return false;
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/**
 * Whether a string is an instant in RFC 3339, on a day that exists, in UTC too: `9999-12-31T23:59:59-01:00` lies in the year
 * 10000, which RFC 3339 cannot write, so that whatever is stored of it could never be shown again.
 */
function isDateTime(text: string): boolean {
  const date = DATE_TIME.exec(text)?.[1];
  return date !== undefined && isDate(date) && isDate(new Date(text).toISOString().slice(0, 'yyyy-mm-dd'.length));
}

const PREFIX_BITS = { 4: 32, 6: 128 } as const;

/** Whether a string is an address or a network, as `192.0.2.7`, `10.0.0.0/8` or `2001:db8::/32`; without a zone. */
function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || rest.length > 0) return false;
  return prefix === undefined || (/^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= PREFIX_BITS[version as 4 | 6]);
}

/** The formats that schemas may ask for and that we read more strictly than others do. */
export const strictFormats = { uuid: isId, date: isDate, 'date-time': isDateTime, network: isNetwork } as const;
