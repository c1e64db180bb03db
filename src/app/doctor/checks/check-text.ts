import type { DatabaseContext } from '../database-context.ts';
import { advice, broken, type Check, fine } from '../finding.ts';

/** Whether the database can keep every text, and find it again in upper and lower case. */
export const checkText: Check<DatabaseContext> = {
  name: 'text',
  run({ server: { encoding, knows_case: knowsCase } }) {
    const todo = `Make a database of its own: create database <name> template template0 encoding 'UTF8' locale 'C.UTF-8';`;
    if (encoding !== 'UTF8')
      return [broken(`the database keeps text in ${encoding}, which has not every character`, todo)];
    if (!knowsCase)
      return [advice('the database knows upper and lower case of a to z alone: "Ä" does not find "ä"', todo)];
    return [fine('UTF8, with upper and lower case')];
  },
};
