import { InvalidArgumentError } from 'commander';

/** Reads an option of the command line. @throws InvalidArgumentError when it is not a whole number in the range. */
export function readCount(from: number, to: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (!Number.isInteger(count) || count < from || count > to)
      throw new InvalidArgumentError(`It takes a whole number from ${from} to ${to}.`);
    return count;
  };
}
