import type { DatabaseContext } from '../database-context.ts';
import { advice, type Check, fine } from '../finding.ts';

/** Within a data centre it is about 1 ms, between neighbouring ones 2; from here on the database is somewhere else. */
const FAR_MS = 20;

const shown = (timeMs: number): string => `${timeMs < 10 ? timeMs.toFixed(1) : Math.round(timeMs)} ms`;

/** How far the database is: what each request pays that asks it. */
export const checkRoundTrip: Check<DatabaseContext> = {
  name: 'round trip',
  run({ description, link: { roundTripMs } }) {
    const cost = `${description} is ${shown(roundTripMs)} away, which a request pays once; a turn of an assistant twice`;
    if (roundTripMs < FAR_MS) return [fine(cost)];
    return [advice(cost, 'Run the server where the database is: in the same region, at best in the same network.')];
  },
};
