import { expect, it } from 'vitest';
import { adviseOnDatabase } from './advise-on-database.ts';

it('says how to trust a server whose certificate nobody known has signed, also when that is the cause of another error', () => {
  const refused = Object.assign(new Error('self-signed certificate in certificate chain'), {
    code: 'SELF_SIGNED_CERT_IN_CHAIN',
  });
  const error = new Error('DATABASE_URL: self-signed certificate in certificate chain', { cause: refused });
  expect(adviseOnDatabase(error)).toContain('sslrootcert=<file>');
});

it('says nothing of an error that it does not know', () => {
  expect(adviseOnDatabase(new Error('read ECONNRESET', { cause: 'no error' }))).toBeUndefined();
});
