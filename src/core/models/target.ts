import type { Deadline } from '../../base/deadline.ts';
import type { Take } from '../../base/pump.ts';
import type { Span } from '../../base/span.ts';
import type { Timings } from '../../base/timings.ts';
import type { ChatCompletion, ChatCompletionChunk } from './completion.ts';
import type { PlainCommands } from './plain-commands.ts';
import type { CompletionRequest } from './schemas.ts';

/** What a call of a model needs from the request that makes it. */
export interface ModelCall {
  /** Ending or cancelling it aborts the provider's HTTP request within moments. */
  readonly deadline: Deadline;
  /** Gets the step `model`: until the whole answer, or a stream's first chunk; and `stream` for the rest of a stream. */
  readonly timings?: Timings;
  /** The step of a trace that the call belongs to. */
  readonly trace?: Span | undefined;
  /** What the built-in offline model understands, when it answers. */
  readonly commands?: PlainCommands;
  /**
   * Whether the offline model stands in when no target answers. Its answer then says `degraded: true` and
   * `model: "offline"`. Otherwise the last target's error is raised.
   */
  readonly fallBackToOffline?: boolean;
  /**
   * Told, with the name that the answer would have gone by, when the deadline ended a request that a provider had been sent
   * and had not refused: its prompt may be billed, whatever of the answer has come.
   */
  readonly onLeft?: (model: string) => void;
}

/**
 * One endpoint that can answer. It raises `models.*` errors for all that goes wrong on its side, and the reason of the
 * deadline's signal when that ended first. Answers are in the name of `request.model`.
 */
export interface Target {
  complete(request: NamedRequest, call: ModelCall): Promise<ChatCompletion>;
  /** Has the chunks taken as they come. Resolves only after a real end; a slow taker slows the provider. */
  stream(request: NamedRequest, call: ModelCall, take: Take<ChatCompletionChunk>): Promise<void>;
  /** Lets go of all connections, and aborts what is under way on them. */
  close(): Promise<void>;
}

/** A checked request, with the name that the answer goes by. */
export type NamedRequest = CompletionRequest & { readonly model: string };
