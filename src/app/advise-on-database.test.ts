import { DatabaseError } from 'pg';
import { expect, it } from 'vitest';
import { maskSecrets } from '../platform/log/index.ts';
import { adviseOnDatabase } from './advise-on-database.ts';

it('says how to trust a server whose certificate nobody known has signed, also when that is the cause of another error', () => {
  const refused = Object.assign(new Error('self-signed certificate in certificate chain'), {
    code: 'SELF_SIGNED_CERT_IN_CHAIN',
  });
  const error = new Error('DATABASE_URL: self-signed certificate in certificate chain', { cause: refused });
  expect(adviseOnDatabase(error)).toContain('sslrootcert=<file>');
});

it.each([
  ['CERT_HAS_EXPIRED', 'Renew'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'host'],
])('says what to do about a certificate that is refused by %s', (code, advice) => {
  expect(adviseOnDatabase(Object.assign(new Error('refused'), { code }))).toContain(advice);
});

it.each([
  ['3F000', 'An assistant has one of its own'],
  ['42P07', 'if the migration is yours'],
])('says of %s also what helps who writes an assistant', (code, advice) => {
  const refused = Object.assign(new DatabaseError('schema "mine" does not exist', 0, 'error'), { code });
  expect(adviseOnDatabase(new Error('migration failed', { cause: refused }))).toContain(advice);
});

it.each([
  'no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption',
  'pg_hba.conf rejects connection for host "10.0.0.1", user "u", database "d", no encryption',
])('says how to reach a database that wants TLS: %s', (text) => {
  const refused = Object.assign(new DatabaseError(text, 0, 'error'), { code: '28000' });
  expect(adviseOnDatabase(refused)).toContain('sslmode=verify-full');
});

it('says where the password goes that a database wants', () => {
  const refused = new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string');
  const advice = adviseOnDatabase(refused);
  expect(advice).toContain('put it into the URL');
  // What looks like a URL with a password, the doctor does not write.
  expect(maskSecrets(advice ?? '')).toBe(advice);
});

it('says nothing of an error that it does not know', () => {
  expect(adviseOnDatabase(new Error('read ECONNRESET', { cause: 'no error' }))).toBeUndefined();
});
