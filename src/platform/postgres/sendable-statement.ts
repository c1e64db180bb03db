import pg from 'pg';
import { UnsendableValue } from './errors.ts';
import type { Statement } from './statement.ts';

/** A statement with its values as they are sent. */
export interface SendableStatement<Row> extends Statement<Row> {
  readonly values: (string | Buffer | null)[];
}

// Not in pg's types. It is what pg turns values into what is sent with, and it leaves as they are those that are that already.
const { prepareValue } = (pg as unknown as { utils: { prepareValue(value: unknown): string | Buffer | null } }).utils;

/**
 * Turns values into what is sent, before there is a connection. pg would do it when it has announced the statement already: of
 * one with a value that fails it takes it back, and yet believes from then on that the connection knows it.
 *
 * @throws UnsendableValue.
 */
export function toSendable<Row>(statement: Statement<Row>): SendableStatement<Row> {
  const values = statement.values.map((value, index) => {
    try {
      return prepareValue(value);
    } catch (error) {
      throw new UnsendableValue(`$${index + 1} of ${statement.name} cannot be sent`, { cause: error });
    }
  });
  return { ...statement, values };
}
