import { setTimeout as sleep } from 'node:timers/promises';
import type { Action, LoadPlan } from './load-plan.ts';
import type { LoadUser } from './load-user.ts';
import type { Measurements } from './measurements.ts';

/** How many requests of an open model may wait for one user's answer; what is due beyond them counts as an error. */
const MOST_WAITING = 10;
/** How often an open model looks which requests are due, in milliseconds. */
const TICK_MS = 2;

interface Member {
  readonly user: LoadUser;
  waiting: number;
  last: Promise<void>;
}

/** The users of a load test while it runs: as many of them are busy as the stage of the climb says. */
export class Crowd {
  readonly #plan: LoadPlan;
  readonly #measurements: Measurements;
  readonly #members: Member[] = [];
  readonly #weighted: readonly (readonly [Action, number])[];
  readonly #end = new AbortController();
  readonly #work: Promise<void>[] = [];

  constructor(plan: LoadPlan, measurements: Measurements) {
    this.#plan = plan;
    this.#measurements = measurements;
    this.#weighted = [...plan.mix];
    if (plan.rate !== undefined) this.#work.push(this.#keepRate(plan.rate));
  }

  /** How many users are busy. */
  get userCount(): number {
    return this.#members.length;
  }

  /** Has one more user join. */
  add(user: LoadUser): void {
    const member = { user, waiting: 0, last: Promise.resolve() };
    this.#members.push(member);
    if (this.#plan.rate === undefined) this.#work.push(this.#useAndThink(member));
  }

  /** Ends the work of all, without waiting for their last answers, and closes their connections. */
  async end(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#members.map(({ user }) => user.close()));
    await Promise.all(this.#work);
  }

  /** Closed model: a user thinks, asks, waits for the answer, thinks again. */
  async #useAndThink({ user }: Member): Promise<void> {
    // The first time anywhere within the pause, so that users do not walk in step.
    await this.#pause(Math.random() * this.#plan.thinkSeconds);
    while (!this.#end.signal.aborted) {
      await this.#ask(user, performance.now());
      await this.#pause(this.#plan.thinkSeconds * (0.5 + Math.random()));
    }
  }

  async #pause(seconds: number): Promise<void> {
    await sleep(seconds * 1000, undefined, { signal: this.#end.signal }).catch(() => undefined);
  }

  /**
   * Open model: requests are due at a steady rate, and their time counts from then, so that a server that stalls is not
   * spared the requests of those who would have come meanwhile.
   */
  async #keepRate(rate: number): Promise<void> {
    const startMs = performance.now();
    for (let sent = 0; !this.#end.signal.aborted; await sleep(TICK_MS)) {
      for (; sent < ((performance.now() - startMs) / 1000) * rate; sent++) {
        const member = this.#members[sent % this.#members.length];
        if (member !== undefined) this.#askInTurn(member, startMs + (sent / rate) * 1000);
      }
    }
  }

  #askInTurn(member: Member, dueAtMs: number): void {
    if (member.waiting >= MOST_WAITING) {
      this.#measurements.addError('not sent: ten before it are unanswered');
      return;
    }
    member.waiting++;
    member.last = member.last
      .then(() => this.#ask(member.user, dueAtMs))
      .finally(() => {
        member.waiting--;
      });
  }

  async #ask(user: LoadUser, sinceMs: number): Promise<void> {
    // One that waited for its turn until the end would connect anew.
    if (this.#end.signal.aborted) return;
    try {
      await user.do(this.#nextAction());
      if (!this.#end.signal.aborted) this.#measurements.add(performance.now() - sinceMs);
    } catch (error) {
      if (!this.#end.signal.aborted) this.#measurements.addError((error as Error).message);
    }
  }

  #nextAction(): Action {
    let rest = Math.random() * this.#weighted.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [action, weight] of this.#weighted) {
      rest -= weight;
      if (rest < 0) return action;
    }
    return 'read';
  }
}
