/** The load generator: reads a plan on standard input, puts its load on the server, writes what came of it. */
import { once } from 'node:events';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from './client.ts';
import { LatencyRecord } from './latency-record.ts';
import type { LoadPlan, LoadResult } from './plan.ts';

/** Connections made at once: fewer than a listening socket's backlog holds. */
const CONNECT_AT_ONCE = 200;
/** How long after the end of an open loop an answer may still come; then it counts as unanswered. */
const LAST_ANSWERS_MS = 3_000;

async function connectAll(clients: readonly Client[]): Promise<void> {
  for (let from = 0; from < clients.length; from += CONNECT_AT_ONCE) {
    await Promise.all(clients.slice(from, from + CONNECT_AT_ONCE).map((client) => client.connect()));
  }
}

/** Each connection sends its next request when it was answered. */
async function runClosedLoop({ port, connections, warmUpMs, measureMs }: LoadPlan): Promise<LoadResult> {
  const record = new LatencyRecord();
  let fromMs = Number.POSITIVE_INFINITY;
  let untilMs = Number.POSITIVE_INFINITY;
  const onAnswer = (client: Client, { sentAtMs, error }: { sentAtMs: number; error?: string }): void => {
    const nowMs = performance.now();
    if (nowMs > untilMs) return;
    if (nowMs >= fromMs) error === undefined ? record.add(nowMs - sentAtMs) : record.addError(error);
    client.send(nowMs);
  };
  const clients = connections.map((requests) => new Client(port, requests, { onAnswer, firstRequest: 0 }));
  await connectAll(clients);
  fromMs = performance.now() + warmUpMs;
  untilMs = fromMs + measureMs;
  for (const client of clients) client.send(performance.now());
  await sleep(warmUpMs + measureMs);
  for (const client of clients) client.close();
  return record.summarize(measureMs);
}

/** Waits for the last answers, counts those that do not come, and closes the connections. */
async function finishOpenLoop(
  clients: readonly Client[],
  overdue: ReadonlyMap<Client, number[]>,
  record: LatencyRecord,
): Promise<void> {
  const giveUpMs = performance.now() + LAST_ANSWERS_MS;
  while (performance.now() < giveUpMs && clients.some((client) => client.isWaiting)) await sleep(10);
  for (const client of clients) {
    const unanswered = (client.isWaiting ? 1 : 0) + (overdue.get(client)?.length ?? 0);
    for (let count = 0; count < unanswered; count++) record.addError('unanswered');
    client.close();
  }
}

/**
 * Requests leave at their times, evenly spread over the connections. One whose connection still waits for an answer
 * leaves after that, and its time counts from when it should have left: a server that stalls is not spared the load.
 */
async function runOpenLoop(plan: LoadPlan, intervalMs: number): Promise<LoadResult> {
  const { port, connections, warmUpMs, measureMs } = plan;
  const record = new LatencyRecord();
  const overdue = new Map<Client, number[]>();
  let startMs = 0;
  const onAnswer = (client: Client, { sentAtMs, error }: { sentAtMs: number; error?: string }): void => {
    if (sentAtMs >= startMs + warmUpMs)
      error === undefined ? record.add(performance.now() - sentAtMs) : record.addError(error);
    const next = overdue.get(client)?.shift();
    if (next !== undefined) client.send(next);
  };
  // Where in its round a connection starts differs, so that at any time all kinds of request are made.
  const clients = connections.map((requests, index) => new Client(port, requests, { onAnswer, firstRequest: index }));
  await connectAll(clients);
  startMs = performance.now();
  const sendCount = Math.floor(((warmUpMs + measureMs) / intervalMs) * clients.length);
  for (let sent = 0; sent < sendCount; await sleep(1)) {
    const due = Math.min(sendCount, Math.ceil(((performance.now() - startMs) / intervalMs) * clients.length));
    for (; sent < due; sent++) {
      const client = clients[sent % clients.length] as Client;
      const dueAtMs = startMs + (sent / clients.length) * intervalMs;
      if (!client.isWaiting) client.send(dueAtMs);
      else overdue.set(client, [...(overdue.get(client) ?? []), dueAtMs]);
    }
  }
  await finishOpenLoop(clients, overdue, record);
  return record.summarize(measureMs);
}

const plan = (await json(process.stdin)) as LoadPlan;
const result = plan.intervalMs === undefined ? await runClosedLoop(plan) : await runOpenLoop(plan, plan.intervalMs);
if (!process.stdout.write(JSON.stringify(result))) await once(process.stdout, 'drain');
process.exit(0);
