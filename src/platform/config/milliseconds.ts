import { integer } from './variable.ts';

/** Longer than an hour is a slip of the keyboard, and near 2^31 Node's timers fire at once. */
export const LONGEST_MS = 3_600_000;

/** A duration. */
export const milliseconds = (name: string, defaultMs: number, sentence: string) =>
  integer({ name, from: 1, to: LONGEST_MS, unit: 'ms', default: defaultMs, sentence });
