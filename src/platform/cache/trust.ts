import type { Clock } from '../../base/time.ts';

/** What `Trust` needs. */
export interface TrustOptions {
  readonly clock: Clock;
  /** How long a floor is kept, in milliseconds: longer than any value that it could concern can serve. */
  readonly retainMs: number;
}

interface Floor {
  readonly version: number;
  /** When it was raised, or was told once more, on this process's monotonic clock. */
  readonly raisedAtMs: number;
}

/**
 * Floors that are kept at once, about 15 MB. Beyond it all of them are let go, and everything in the cache is checked again
 * instead.
 */
const MAX_FLOORS = 100_000;

/**
 * What a process knows of changes at the source, and so which of its values it may believe.
 *
 * Of each tag that changed it knows the *floor*: the version that the change led to. A value below it was read before the
 * change, wherever it comes from and whenever it arrives, and is refused. Unless its load began after that was known: then
 * the source has lost the change, as a standby may that takes over.
 *
 * That is enough only while changes are heard of. Time is therefore cut into *eras*: one ends when hearing is lost, the
 * next when it is restored, and another when everything is told to be forgotten. A value may serve unchecked only in the
 * era in which its load began, and only in one in which changes are heard. Values of other processes have no era here; they
 * are judged by the source's clock: read after hearing began, or not to be believed. Its own are judged by its monotonic
 * clock, for that of the source may be set back.
 *
 * While the source is away no value can be checked. One that was read since hearing began may serve then, also when
 * hearing was lost along with the source. Once the source answers again unheard, it may have changed unheard: nothing that
 * was read before hearing is restored may serve so any more.
 */
export class Trust {
  readonly #clock: Clock;
  readonly #retainMs: number;
  /** In the order in which they were raised. */
  readonly #floors = new Map<string, Floor>();
  #era = 0;
  #isHearing = false;
  /** By the source's clock, and by ours; infinite once the source has answered unheard. */
  #heardSinceMs = Number.POSITIVE_INFINITY;
  #heardFromMs = Number.POSITIVE_INFINITY;
  /** By the source's clock, and by ours. */
  #forgottenBeforeMs = 0;
  #forgottenFromMs = 0;
  #strangersRefusedUntilMs = 0;
  /** What to add to our monotonic clock to get the source's. */
  #sourceOffsetMs: number | undefined;

  constructor({ clock, retainMs }: TrustOptions) {
    this.#clock = clock;
    this.#retainMs = retainMs;
  }

  get era(): number {
    return this.#era;
  }

  /** Whether changes are heard of. At first they are not. */
  get isHearing(): boolean {
    return this.#isHearing;
  }

  /** Changes are no longer heard of. */
  lose(): void {
    this.#isHearing = false;
    this.#era++;
  }

  /**
   * From this instant of the source's clock on, changes are heard of. Until a load has told that clock better, ages come out
   * too short by what the answer with the instant took.
   */
  restore(sinceMs: number): void {
    this.#isHearing = true;
    this.#heardSinceMs = sinceMs;
    this.#heardFromMs = this.#clock.monotonicMs();
    this.#era++;
    this.observeSource(sinceMs, this.#heardFromMs);
  }

  /** Nothing that was read before this instant of the source's clock may serve again, not even in its grace. */
  forgetBefore(instantMs: number): void {
    this.#forgottenBeforeMs = Math.max(this.#forgottenBeforeMs, instantMs);
    this.#forgottenFromMs = this.#clock.monotonicMs();
    this.#era++;
  }

  /** The tag has changed, and is at this version now. Answers whether that was news. */
  raiseFloor(tag: string, version: number): boolean {
    const known = this.#floors.get(tag)?.version ?? 0;
    this.#floors.delete(tag);
    this.#floors.set(tag, { version: Math.max(known, version), raisedAtMs: this.#clock.monotonicMs() });
    this.#prune();
    return version > known;
  }

  /**
   * A load that began at that instant read this version. A change is told of when it is committed, so a load that began
   * after that reads it; where it does not, the source has lost the change, and the floor comes down to what is there.
   */
  lowerFloor({ tag, version }: { readonly tag: string; readonly version: number }, startedAtMs: number): void {
    const floor = this.#floors.get(tag);
    if (floor === undefined || version >= floor.version || startedAtMs <= floor.raisedAtMs) return;
    this.#floors.set(tag, { ...floor, version });
  }

  /** Whether a value of this version is not older than what is known of its tag. */
  admits({ tag, version }: { readonly tag: string; readonly version: number }): boolean {
    return version >= (this.#floors.get(tag)?.version ?? 0);
  }

  /**
   * Whether a value in memory was read since changes are heard of, and since everything was last to be forgotten. One from
   * before may have been revoked unheard.
   */
  remembers({ confirmedAtMs }: { readonly confirmedAtMs: number }): boolean {
    return confirmedAtMs >= Math.max(this.#forgottenFromMs, this.#heardFromMs);
  }

  /** The same of a value that another process read, where those may be considered. */
  remembersStranger({ loadedAtMs }: { readonly loadedAtMs: number }): boolean {
    return this.mayMeetStrangers && loadedAtMs >= Math.max(this.#forgottenBeforeMs, this.#heardSinceMs);
  }

  /** Whether values that other processes read may be considered at all. */
  get mayMeetStrangers(): boolean {
    return this.#clock.monotonicMs() >= this.#strangersRefusedUntilMs;
  }

  /** Whether a value that another process read may serve unchecked. */
  believesStranger(value: { readonly loadedAtMs: number }): boolean {
    return this.#isHearing && this.remembersStranger(value);
  }

  /** The source answered a load that began in this era. */
  noteAnswer(era: number): void {
    if (this.#isHearing || era !== this.#era) return;
    this.#heardSinceMs = Number.POSITIVE_INFINITY;
    this.#heardFromMs = Number.POSITIVE_INFINITY;
  }

  /**
   * The source's clock showed this at that instant of ours, or a little later: ages come out too long, never too short, where
   * the instant was taken before the source was asked.
   */
  observeSource(sourceMs: number, atMs: number): void {
    this.#sourceOffsetMs = sourceMs - atMs;
  }

  /** How old a value is by the source's clock, in milliseconds; undefined while that clock is unknown. */
  sourceAgeMs(loadedAtMs: number): number | undefined {
    if (this.#sourceOffsetMs === undefined) return undefined;
    return this.#clock.monotonicMs() + this.#sourceOffsetMs - loadedAtMs;
  }

  #prune(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [tag, { raisedAtMs }] of this.#floors) {
      if (raisedAtMs + this.#retainMs > nowMs) break;
      this.#floors.delete(tag);
    }
    if (this.#floors.size <= MAX_FLOORS) return;
    this.#floors.clear();
    this.#era++;
    this.#strangersRefusedUntilMs = nowMs + this.#retainMs;
  }
}
