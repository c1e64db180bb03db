/** What must hold of a measurement for the promise to be kept. */
export interface Bound {
  /** Of what: our value, ours divided by the baseline's, or ours less the baseline's. */
  readonly of: 'value' | 'ratio' | 'excess';
  readonly sense: 'at least' | 'at most';
  readonly limit: number;
}

/** The bound of a value that is to be no more than this. */
export function atMost(limit: number): Bound {
  return { of: 'value', sense: 'at most', limit };
}

/** What was measured for one line of the table: a value for every round, of ours and of the baseline in the same round. */
export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly baseline?: readonly number[];
  readonly bound: Bound;
  /** What a reader must know beside the numbers: errors, say. */
  readonly note?: string;
}

/** One line of the table. */
export interface Verdict {
  readonly name: string;
  readonly unit: string;
  /** Medians. */
  readonly ours: number;
  readonly baseline: number | undefined;
  readonly ratio: number | undefined;
  readonly bound: Bound;
  readonly isKept: boolean;
  readonly note: string | undefined;
  /** What the medians are of. */
  readonly rounds: { readonly ours: readonly number[]; readonly baseline: readonly number[] | undefined };
}

/** The middle of some values; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Holds a measurement against its bound. What could not be measured (nothing, or a baseline of nothing) keeps no promise. */
export function judge(measurement: Measurement): Verdict {
  const { name, unit, bound, note } = measurement;
  const ours = median(measurement.ours);
  const baseline = measurement.baseline && median(measurement.baseline);
  const ratio = baseline === undefined ? undefined : ours / baseline;
  const judged = { value: ours, ratio: ratio ?? Number.NaN, excess: ours - (baseline ?? Number.NaN) }[bound.of];
  const isKept =
    Number.isFinite(judged) && (bound.sense === 'at least' ? judged >= bound.limit : judged <= bound.limit);
  const rounds = { ours: measurement.ours, baseline: measurement.baseline };
  return { name, unit, ours, baseline, ratio, bound, isKept, note, rounds };
}
