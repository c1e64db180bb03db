/**
 * How many keys that work a user may have: enough for each program of a large team, few enough that nobody fills the
 * database or a page with them. While a key is replaced there may be one more.
 */
export const MAX_KEYS = 100;
