import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { isOutcomeUnknown, toCallerError } from './errors.ts';

test.each(['FATAL', 'FATALT', 'ВАЖНО'])(
  'a server that ends the connection may have done the statement before, in whatever language it says so: %s',
  (severity) => {
    const ended = Object.assign(new DatabaseError('by an administrator', 0, 'error'), { severity, code: '57P01' });
    const error = toCallerError(ended, true);
    expect(error).toMatchObject({ code: 'postgres.unavailable' });
    expect(isOutcomeUnknown(error)).toBe(true);
  },
);
