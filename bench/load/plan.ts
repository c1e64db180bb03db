/** A request that a connection of the load generator sends. */
export interface LoadRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** An answer with another status is an error. */
  readonly expectedStatus: number;
  /**
   * Sent with `If-None-Match` and the last ETag that this connection was answered. While it knows none, the request goes
   * without and may be answered 200.
   */
  readonly isConditional?: boolean;
}

/** What a run of the load generator does. */
export interface LoadPlan {
  /** Of the server, on 127.0.0.1. */
  readonly port: number;
  /** For each connection what it sends, one request after the other, round and round. */
  readonly connections: readonly (readonly LoadRequest[])[];
  /** Load without measuring, before it. */
  readonly warmUpMs: number;
  /** How long is measured. */
  readonly measureMs: number;
  /**
   * Open loop: every connection sends this often, whether or not the server keeps up, and an answer's time counts from
   * when its request should have been sent. Absent, the loop is closed: each sends when it was answered.
   */
  readonly intervalMs?: number;
}

/** What came of it. */
export interface LoadResult {
  /** Answers as expected, within the measured time. */
  readonly answerCount: number;
  readonly answersPerSecond: number;
  /** How often what went wrong: an unexpected status, `reset`, `refused`, `unanswered`. */
  readonly errors: Readonly<Record<string, number>>;
  /** Times from request to answer, of the expected answers, in milliseconds. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
}
