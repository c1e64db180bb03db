import { fileURLToPath } from 'node:url';
import { readLines, spawnScript, stopProcess } from './child-server.ts';

/** A provider of models that answers at once, in a process of its own. */
export interface RunningProvider extends AsyncDisposable {
  /** Up to and with `/v1`. */
  readonly url: string;
}

const script = fileURLToPath(new URL('../../test/stubs/provider.ts', import.meta.url));

/** Starts a provider that says this text, streamed word by word with so much time between two. */
export async function startProvider(text: string, delayMs = 0): Promise<RunningProvider> {
  const child = spawnScript(script, ['--text', text, '--delay-ms', String(delayMs)]);
  const [url = ''] = await readLines(child, 1);
  return { url, [Symbol.asyncDispose]: () => stopProcess(child) };
}
