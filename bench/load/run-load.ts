import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { LoadPlan, LoadResult } from './plan.ts';

/**
 * Runs the load generator, in a process of its own so that it takes no time from whoever else is measured.
 *
 * It writes on raw sockets because that is the cheapest that reads every answer: on two cores shared with the server it
 * had 45,000 to 85,000 answers a second from Fastify's hello world on 64 connections, as many as the server counted;
 * undici's pool had 21,000 to 23,000 there, at 25 µs of CPU each.
 */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('generator.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(plan));
  const exit = once(child, 'exit');
  const output = await text(child.stdout);
  const [code] = await exit;
  if (code !== 0) throw new Error(`The load generator ended with code ${code}.`);
  // JSON knows no NaN, which a percentile of nothing is.
  return JSON.parse(output, (_name, value) => value ?? Number.NaN);
}
