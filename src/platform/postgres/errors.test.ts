import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { Cancelled, DeadlineExceeded } from '../../base/deadline.ts';
import {
  CancelledByNeighbour,
  isOutcomeUnknown,
  NotConnected,
  postgresErrors,
  toCallerError,
  UnsendableValue,
} from './errors.ts';

const { raise } = postgresErrors;
const ofServer = (code: string) => Object.assign(new DatabaseError('', 0, 'error'), { code });

test.each(['FATAL', 'FATALT', 'ВАЖНО'])(
  'a server that ends the connection may have done the statement before, in whatever language it says so: %s',
  (severity) => {
    const ended = Object.assign(new DatabaseError('by an administrator', 0, 'error'), { severity, code: '57P01' });
    const error = toCallerError(ended, true);
    expect(error).toMatchObject({ code: 'postgres.unavailable' });
    expect(isOutcomeUnknown(error)).toBe(true);
  },
);

test('a statement that nobody waited for, or whose reply was lost, may have been done; one that was refused or not sent, not', () => {
  const lost = new Error('the connection was lost');
  const unknown = [
    raise.timeout({ cause: new DeadlineExceeded() }),
    raise.unavailable({ cause: lost }),
    new DeadlineExceeded(),
    new Cancelled(),
    lost,
  ];
  expect(unknown.map(isOutcomeUnknown)).toEqual(unknown.map(() => true));
  const known = [
    raise.timeout({ cause: ofServer('57014') }),
    raise.unavailable({ cause: ofServer('25006') }),
    raise.unavailable({ cause: new NotConnected(lost) }),
    // By an open breaker.
    raise.unavailable(),
    raise.overloaded(),
    ofServer('23505'),
    new UnsendableValue(),
  ];
  expect(known.map(isOutcomeUnknown)).toEqual(known.map(() => false));
});

test('a statement that neighbours keep from being done is 503', () => {
  expect(toCallerError(new CancelledByNeighbour(), false)).toMatchObject({ code: 'postgres.overloaded', status: 503 });
});
