import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Config, isSigningSecret } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { keepSecret, readSecret } from '../platform/postgres/index.ts';

/**
 * The secrets that our tokens are signed with: those of the configuration; else one that is made once and kept in
 * `auth-secret` in the data directory (mode 0600).
 *
 * @throws Error that names the variables when it cannot be kept there, and the file when that holds something else.
 */
export function ensureAuthSecrets({ signIn, data, database }: Config, log: Logger): readonly string[] {
  if (signIn.secrets.length > 0) return signIn.secrets;
  if (database.url !== undefined) {
    log.warn('AUTH_SECRETS is not set: other servers cannot check tokens that this one signs');
  }
  const file = join(data.directory, 'auth-secret');
  const secret = ensureSecret(file);
  if (isSigningSecret(secret)) return [secret];
  throw new Error(
    `${file} does not hold a secret of at least 32 visible ASCII characters. Put it back from a backup, or remove the ` +
      'file: the next start makes a new one, and everybody has to sign in again.',
  );
}

function ensureSecret(file: string): string {
  try {
    return readSecret(file) ?? keepSecret(file, randomBytes(32).toString('base64url'));
  } catch (error) {
    throw new Error(`AUTH_SECRETS is not set, and no secret can be kept in DATA_DIR: ${error}`, { cause: error });
  }
}
