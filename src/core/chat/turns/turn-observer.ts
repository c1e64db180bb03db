import type { TurnEndStatus } from './store/queries.ts';

/** How a turn ended. */
export interface TurnObservation {
  readonly status: TurnEndStatus;
  /** Of the error that its readers are told; undefined when there is none. */
  readonly code?: string;
}

/** Who is told of turns that end, for metrics. */
export interface TurnObserver {
  /** Called when a turn of this process has ended, and for each that this process found dead. */
  readonly observeTurn?: (turn: TurnObservation) => void;
}
