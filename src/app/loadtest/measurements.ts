import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** What was answered in a time. Latencies are in milliseconds; null when nothing was answered. */
export interface Summary {
  readonly answers: number;
  readonly answersPerSecond: number;
  readonly errors: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** A second of the test. */
export interface Second extends Summary {
  /** Since the test began. */
  readonly atSeconds: number;
  readonly users: number;
  readonly server: ServerState;
}

/** A stage of the climb. */
export interface Stage extends Summary {
  readonly users: number;
  /** How often what went wrong. */
  readonly errorKinds: Readonly<Record<string, number>>;
}

/** How often what went wrong, in all of some stages. */
export function countErrorKinds(stages: readonly Stage[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { errorKinds } of stages)
    for (const [kind, count] of Object.entries(errorKinds)) counts.set(kind, (counts.get(kind) ?? 0) + count);
  return counts;
}

/** A number for people: whole, with commas; `–` for none. */
export const shown = (value: number | null): string =>
  value === null ? '–' : Math.round(value).toLocaleString('en-US');

/** What the server says of itself; undefined where it did not say, or not to us. */
export interface ServerState {
  readonly poolInUse: number | undefined;
  readonly poolWaiting: number | undefined;
  readonly poolOpen: number | undefined;
  /** 0 to 1. */
  readonly cacheHitRate: number | undefined;
  /** From headers to the end of the answer, of the requests over HTTP since it was asked last. */
  readonly meanMs: number | undefined;
  /** Share of the time in which its event loop was busy, 0 to 1. */
  readonly loopBusy: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** Answers are recorded in steps of 10 µs, which is finer than any clock between two processes. */
const STEP_MS = 0.01;

/** Gathers answers of a time, in an HDR histogram. */
class AnswerRecord {
  readonly #latencies: RecordableHistogram = createHistogram();
  readonly #errorKinds = new Map<string, number>();
  #errors = 0;

  add(latencyMs: number): void {
    this.#latencies.record(Math.max(1, Math.round(latencyMs / STEP_MS)));
  }

  addError(kind: string): void {
    this.#errors++;
    this.#errorKinds.set(kind, (this.#errorKinds.get(kind) ?? 0) + 1);
  }

  get errorKinds(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#errorKinds);
  }

  summarize(seconds: number): Summary {
    const answers = this.#latencies.count;
    const percentile = (percent: number): number | null =>
      answers === 0 ? null : this.#latencies.percentile(percent) * STEP_MS;
    return {
      answers,
      answersPerSecond: answers / seconds,
      errors: this.#errors,
      p50Ms: percentile(50),
      p95Ms: percentile(95),
      p99Ms: percentile(99),
    };
  }
}

/** Gathers answers for the second and for the stage that they fall in. */
export class Measurements {
  readonly seconds: Second[] = [];
  readonly stages: Stage[] = [];
  #second = new AnswerRecord();
  #stage = new AnswerRecord();

  add(latencyMs: number): void {
    this.#second.add(latencyMs);
    this.#stage.add(latencyMs);
  }

  addError(kind: string): void {
    this.#second.addError(kind);
    this.#stage.addError(kind);
  }

  /** Ends a second, which lasted so long. */
  endSecond(at: { seconds: number; atSeconds: number; users: number; server: ServerState }): Second {
    const { seconds, ...place } = at;
    const second = { ...place, ...this.#second.summarize(seconds) };
    this.seconds.push(second);
    this.#second = new AnswerRecord();
    return second;
  }

  /** From here on a stage is measured. */
  beginStage(): void {
    this.#stage = new AnswerRecord();
  }

  /** Ends a stage, which lasted so long. */
  endStage(users: number, seconds: number): void {
    this.stages.push({ users, ...this.#stage.summarize(seconds), errorKinds: this.#stage.errorKinds });
  }
}
