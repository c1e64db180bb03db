/** One step of a trace, while it runs. Where nobody traces there is none, and it costs nothing. */
export interface Span {
  /** Names the step for whoever is asked on its behalf: the W3C header `traceparent`. */
  readonly traceparent: string;
  /** Begins a step within this one. Attributes are names out of the code or the configuration, nothing of a user. */
  start(name: string, attributes: Readonly<Record<string, string | number>>): Span;
  /** Ends the step, with what is known only now. */
  end(outcome?: SpanOutcome): void;
}

/** How a step came out. */
export interface SpanOutcome {
  readonly isFailed?: boolean;
  /** In place of the name that it began with. */
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
}

/** Begins a trace, or a step of the one that a `traceparent` names. */
export type StartTrace = (name: string, traceparent: string | undefined) => Span;
