/** Rounds whose median is taken: enough that one disturbed by the machine does not count. */
const ROUNDS = 5;
/** Before them one is not counted: of a process that has just started much of the time goes into compiling what it runs. */
const WARM_UP_ROUNDS = 1;

/**
 * Measures several contestants in turn, five times, and answers the results of each. The order turns round every time, so
 * that what the machine does meanwhile (a checkpoint, a clock that drops) does not always hit the same one.
 */
export async function interleave<Result>(...contestants: readonly (() => Promise<Result>)[]): Promise<Result[][]> {
  const results: Result[][] = contestants.map(() => []);
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const order = [...contestants.keys()];
    if (round % 2 !== 0) order.reverse();
    for (const index of order) {
      const result = await contestants[index]?.();
      if (result !== undefined && round >= 0) results[index]?.push(result);
    }
  }
  return results;
}
