import { hash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { newId } from '../../base/ids.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_CHARS = 43;
const CHECKSUM_CHARS = 6;
const FORMAT = new RegExp(`^ek_([0-9A-Za-z]{${RANDOM_CHARS}})([0-9A-Za-z]{${CHECKSUM_CHARS}})$`);
/** Of the part of a key that may be shown, by which its owner recognises it. */
const PREFIX_CHARS = 9;

/** CRC-32 in base62: 6 characters hold all 2^32 values. The idea is GitHub's token format. */
function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let position = 0; position < CHECKSUM_CHARS; position++) {
    digits = ALPHABET.charAt(rest % ALPHABET.length) + digits;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
}

/** A new API key: `ek_`, 43 random base62 characters (256 bits), 6 of checksum. */
export function newSecret(): string {
  let random = '';
  for (let position = 0; position < RANDOM_CHARS; position++) random += ALPHABET.charAt(randomInt(ALPHABET.length));
  return `ek_${random}${checksum(random)}`;
}

/** Whether a string can be a key at all: its form and checksum are right. Costs no query. */
export function isWellFormedSecret(secret: string): boolean {
  const [, random, sum] = FORMAT.exec(secret) ?? [];
  return random !== undefined && checksum(random) === sum;
}

/** A key that nobody has yet: its secret, and what is stored of it. */
export function newKey(secret = newSecret()) {
  return { secret, stored: { id: newId(), hash: hashSecret(secret), prefix: secret.slice(0, PREFIX_CHARS) } };
}

/** What is stored of a secret: its SHA-256. A plain hash is enough, for the key has 256 random bits. */
export function hashSecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** The same in hex, as caches know a key. */
export function hashSecretHex(secret: string): string {
  return hash('sha256', secret, 'hex');
}
