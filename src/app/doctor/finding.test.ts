import { expect, it } from 'vitest';
import { unreached } from './finding.ts';

it.each([
  'self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
  'self-signed certificate in certificate chain',
  'unable to verify the first certificate',
  'unable to get local issuer certificate',
  'unable to get issuer certificate',
])('of a service whose certificate nobody known has signed it says how to trust who did: %s', (message) => {
  expect(unreached('it is not reached', new Error(message), 'Mend its URL.')).toEqual({
    level: 'broken',
    what: `it is not reached: ${message}`,
    what_to_do: expect.stringContaining('NODE_EXTRA_CA_CERTS=<file>'),
  });
});

it('of any other that is not reached it says what the check has to say', () => {
  const seen = unreached('it is not reached', new Error('connect ECONNREFUSED 10.0.0.1:1'), 'Mend its URL.');
  expect(seen.what_to_do).toBe('Mend its URL.');
});
