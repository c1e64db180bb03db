import { v7 } from 'uuid';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A new UUIDv7 (RFC 9562). Ids made by one process are strictly increasing, also within a millisecond. */
export function newId(): string {
  return v7();
}

/** Whether a string is a UUID in the canonical lower-case form, the only form that ids have on the wire. */
export function isId(value: string): boolean {
  return UUID.test(value);
}
