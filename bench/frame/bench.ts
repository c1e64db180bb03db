import type { Stage } from '../stage/stage.ts';
import type { Measurement } from './measurement.ts';

/** A measurement that `npm run bench -- <name>` runs: a row of the list of what Evenkeel promises about speed. */
export interface Bench {
  readonly name: string;
  /** Starts what it measures on the stage, and stops it. */
  measure(stage: Stage): Promise<Measurement[]>;
}
