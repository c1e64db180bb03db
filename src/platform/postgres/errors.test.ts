import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { Cancelled, DeadlineExceeded } from '../../base/deadline.ts';
import {
  CancelledByNeighbour,
  endsConnection,
  isConflict,
  isNeverBegun,
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

const [ENDS, AGAIN, NOT_BEGUN] = ['ends its connection', 'is worth another try', 'was never begun'];

test.each<[string, string | undefined, string[]]>([
  ['08006', 'postgres.unavailable', [ENDS]],
  ['57P01', 'postgres.unavailable', [ENDS]],
  ['25P03', 'postgres.unavailable', [ENDS]],
  ['25P04', 'postgres.unavailable', [ENDS]],
  ['58030', 'postgres.unavailable', [ENDS]],
  ['25006', 'postgres.unavailable', [ENDS]],
  ['53300', 'postgres.overloaded', []],
  ['40001', 'postgres.overloaded', [AGAIN]],
  ['40P01', 'postgres.overloaded', [AGAIN]],
  ['57014', 'postgres.timeout', []],
  ['55P03', 'postgres.timeout', []],
  ['26000', undefined, [NOT_BEGUN]],
  ['42P05', undefined, [NOT_BEGUN]],
  ['23505', undefined, []],
  ['0A000', undefined, []],
])('what the server says by %s is told as %s, and the statement: %j', (state, code, consequences) => {
  const error = ofServer(state);
  expect(toCallerError(error, true)).toEqual(code === undefined ? error : expect.objectContaining({ code }));
  expect([
    ...(endsConnection(error) ? [ENDS] : []),
    ...(isConflict(error) ? [AGAIN] : []),
    ...(isNeverBegun(error) ? [NOT_BEGUN] : []),
  ]).toEqual(consequences);
});

test('a pooler that lost the server says so by the severity, and a plan that is out of date by who found it out', () => {
  const fatal = Object.assign(ofServer('XX000'), { severity: 'FATAL' });
  expect(toCallerError(fatal, true)).toMatchObject({ code: 'postgres.unavailable' });
  const outdated = Object.assign(ofServer('0A000'), { routine: 'RevalidateCachedQuery' });
  expect([fatal, outdated].map(endsConnection)).toEqual([true, true]);
});
