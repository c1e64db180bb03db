/** How an answer can be compressed. */
export type Coding = 'br' | 'gzip';

const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/** How much a client wants each coding, from 0 to 1, by its name; 0 where that cannot be read. */
function readWeights(header: string): Map<string, number> {
  const weights = header.split(',').map((part): [string, number] => {
    const [name = '', weight = 'q=1'] = part.split(';').map((text) => text.trim());
    return [name, Number(WEIGHT.exec(weight)?.[1] ?? 0)];
  });
  return new Map(weights);
}

/**
 * How an answer may be compressed for a client that sent this `Accept-Encoding`; undefined when it is to go as it is, which
 * is also what a client gets that takes nothing at all. Of two that it wants alike, Brotli: half the time and fewer bytes.
 */
export function findCoding(header: string | undefined): Coding | undefined {
  if (header === undefined) return undefined;
  const weights = readWeights(header.toLowerCase());
  const br = weights.get('br') ?? 0;
  // Who takes anything has hardly thought of Brotli.
  const gzip = weights.get('gzip') ?? weights.get('*') ?? 0;
  const most = Math.max(br, gzip);
  if (most === 0 || most < (weights.get('identity') ?? 0)) return undefined;
  return br === most ? 'br' : 'gzip';
}
