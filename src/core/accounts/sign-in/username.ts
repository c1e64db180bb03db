import { randomInt } from 'node:crypto';

/**
 * What a username looks like: lower case, so that no two differ by case only; and not as an API key, for those are refused in
 * URLs, where the name confirms that an account is to be erased.
 */
export const USERNAME_PATTERN = '^(?!ek_)[a-z0-9][a-z0-9._-]{1,38}[a-z0-9]$';

/** The same in words. */
export const USERNAME_RULE =
  '3 to 40 of a-z, 0-9, dot, hyphen and underscore; begins and ends with a letter or a digit, but not with ek_.';

const MIN_CHARS = 3;
/** Of a name that is derived; leaves room for what makes it another's. */
const DERIVED_CHARS = 28;
const SUFFIX_RANGE = 36 ** 8;

function randomSuffix(): string {
  return randomInt(SUFFIX_RANGE).toString(36).padStart(8, '0');
}

/** A username for somebody who chose none, after the name that the provider knows them by; and a spare one. */
export function deriveUsername(name: string | undefined): { username: string; spareUsername: string } {
  const plain = (name ?? '')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .slice(0, DERIVED_CHARS)
    .replaceAll(/^(?:ek_|[._-])+|[._-]+$/g, '');
  const spareUsername = `${plain || 'user'}-${randomSuffix()}`;
  return { username: plain.length < MIN_CHARS ? spareUsername : plain, spareUsername };
}
