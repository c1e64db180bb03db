/** Rounds whose median is taken: enough that one disturbed by the machine does not count. */
const ROUNDS = 5;
/**
 * Before them some are not counted: a process compiles what it runs for the first ten seconds of load. Of twelve rounds of
 * `completions` the first three had 1,668, 2,088 and 2,445 answers a second, the other nine 2,700 to 3,500.
 */
const WARM_UP_ROUNDS = 3;

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
