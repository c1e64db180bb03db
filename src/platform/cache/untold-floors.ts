import type { RedisLayer } from './redis-layer.ts';

/** How often it is tried again, in milliseconds; until then a server that hears nothing may believe what was revoked. */
const TELL_AGAIN_MS = 1_000;
/** About 10 MB. Beyond it the earliest are let go: by then servers that hear have heard. */
const MAX_FLOORS = 100_000;
/** Floors that Redis is told at once. Ten times as many may take longer than a command may: it would seem away again. */
const TOLD_AT_ONCE = 100;

/** Tells Redis the floors of tags, again and again until it answers. To do so any number of times changes nothing more. */
export class UntoldFloors {
  readonly #redis: Pick<RedisLayer<unknown>, 'raiseFloor'>;
  readonly #keepMs: number;
  readonly #versions = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  /** Redis keeps each floor for `keepMs`. */
  constructor(redis: Pick<RedisLayer<unknown>, 'raiseFloor'>, keepMs: number) {
    this.#redis = redis;
    this.#keepMs = keepMs;
  }

  /** Tells the floor of a tag now, or else later. Never rejects. */
  async tell(tag: string, version: number): Promise<void> {
    if (await this.#redis.raiseFloor(tag, version, this.#keepMs)) return;
    this.#versions.set(tag, Math.max(this.#versions.get(tag) ?? 0, version));
    const [earliest = ''] = this.#versions.keys();
    if (this.#versions.size > MAX_FLOORS) this.#versions.delete(earliest);
    this.#startTimer();
  }

  #startTimer(): void {
    this.#timer ??= setTimeout(() => void this.#tellAgain(), TELL_AGAIN_MS).unref();
  }

  async #tellAgain(): Promise<void> {
    const floors = [...this.#versions];
    let isAnswered = true;
    while (isAnswered && floors.length > 0) {
      const told = await Promise.all(floors.splice(0, TOLD_AT_ONCE).map((floor) => this.#tellKept(floor)));
      isAnswered = !told.includes(false);
    }
    this.#timer = undefined;
    if (this.#versions.size > 0) this.#startTimer();
  }

  /** Whether Redis answered. */
  async #tellKept([tag, version]: [string, number]): Promise<boolean> {
    const isTold = await this.#redis.raiseFloor(tag, version, this.#keepMs);
    // A higher one may have come meanwhile.
    if (isTold && this.#versions.get(tag) === version) this.#versions.delete(tag);
    return isTold;
  }
}
