/** The value of one sample in what /metrics answers, named with its labels; NaN when it is not there. */
export function sampleOf(text: string, sample: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1));
}
