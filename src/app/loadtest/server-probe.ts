import type { LoadPlan } from './load-plan.ts';
import type { ServerState } from './measurements.ts';

/** Answers in less than this, or the plots have a gap. */
const WAIT_MS = 900;

/** What is asked by ourselves, or lasts for as long as a connection. */
const NOT_OF_USERS = /route="(?:\/health|\/metrics|\/v1\/chat\/ws)"/;

interface Health {
  readonly database: { readonly pool: Record<'total' | 'checked_out' | 'waiting', number> };
  readonly cache: { readonly hit_rate: number };
}

/** The sum over the labels of a metric in Prometheus' text format; undefined when there is none. */
function sumOf(metrics: string, name: string): number | undefined {
  const values = metrics
    .split('\n')
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && !NOT_OF_USERS.test(line))
    .map((line) => Number(line.slice(line.lastIndexOf(' '))));
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value);
}

/** Asks the server of a load test again and again how it is. */
export class ServerProbe {
  readonly #url: URL;
  readonly #headers: Record<string, string>;
  #count = 0;
  #seconds = 0;

  constructor({ url, metricsToken }: Pick<LoadPlan, 'url' | 'metricsToken'>) {
    this.#url = url;
    this.#headers = metricsToken === undefined ? {} : { authorization: `Bearer ${metricsToken}` };
  }

  /** What it says within a second. Nothing of it is the load test's own: a gap says that the server did not answer. */
  async read(): Promise<ServerState> {
    const [healthText, metrics = ''] = await Promise.all([this.#ask('/health'), this.#ask('/metrics', this.#headers)]);
    const health = healthText === undefined ? undefined : (JSON.parse(healthText) as Health);
    return {
      poolInUse: health?.database.pool.checked_out,
      poolWaiting: health?.database.pool.waiting,
      poolOpen: health?.database.pool.total,
      cacheHitRate: health?.cache.hit_rate,
      meanMs: this.#meanMs(metrics),
      loopBusy: sumOf(metrics, 'evenkeel_event_loop_utilisation_ratio'),
      memoryBytes: sumOf(metrics, 'process_resident_memory_bytes'),
    };
  }

  async #ask(path: string, headers: Record<string, string> = {}): Promise<string | undefined> {
    try {
      const answer = await fetch(new URL(path, this.#url), { headers, signal: AbortSignal.timeout(WAIT_MS) });
      return answer.ok ? await answer.text() : undefined;
    } catch {
      return undefined;
    }
  }

  #meanMs(metrics: string): number | undefined {
    const count = sumOf(metrics, 'evenkeel_http_request_duration_seconds_count');
    const seconds = sumOf(metrics, 'evenkeel_http_request_duration_seconds_sum');
    if (count === undefined || seconds === undefined) return undefined;
    const meanMs = ((seconds - this.#seconds) / (count - this.#count)) * 1000;
    const isFirst = this.#count === 0;
    [this.#count, this.#seconds] = [count, seconds];
    // The first tells of what was before the test; without a request there is no mean.
    return isFirst || !Number.isFinite(meanMs) ? undefined : meanMs;
  }
}
