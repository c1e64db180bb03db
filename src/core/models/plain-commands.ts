/** A sentence of a user, at most a thousand characters, and when it was said. */
export interface PlainText {
  readonly text: string;
  readonly now: Date;
}

/** A tool call that a sentence asks for. */
export interface PlainCall {
  /** The tool's name. */
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What a tool answered to a plain command. */
export interface PlainOutcome {
  /** What the user had said; the answer is in its language. */
  readonly text: string;
  readonly tool: string;
  /** What the tool returned; undefined when it failed. */
  readonly result: unknown;
}

/** The plain commands that an assistant understands by rules, so that they work without any model. */
export interface PlainCommands {
  /** The call that a sentence asks for; undefined when no rule understands it, which is better than a wrong guess. */
  read(said: PlainText): PlainCall | undefined;
  /** Tells the user what came of it, in a sentence or a short list. */
  tell(outcome: PlainOutcome): string;
  /** A few sentences that it understands, told to users whom it did not understand. */
  readonly examples: readonly string[];
}
