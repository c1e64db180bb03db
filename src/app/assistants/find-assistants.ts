import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AssistantManifest } from '../../kit/index.ts';
import { errorCodes } from '../error-codes.ts';
import { reasonOf } from '../reason-of.ts';
import { findCollisions } from './find-collisions.ts';
import type { FoundAssistant } from './found-assistant.ts';

/** What an assistant and its parts cannot do without. The compiler asks for it too, but a start does not ask the compiler. */
const needed = {
  assistant: {
    ...{ description: 'string', tools: 'array', routes: 'array', jobs: 'array' },
    ...{ exportUser: 'function', eraseUser: 'function' },
  },
  tools: { name: 'string', description: 'string', input: 'object', writes: 'boolean', run: 'function' },
  routes: { method: 'string', path: 'string', summary: 'string', answer: 'object', run: 'function' },
  jobs: { name: 'string', input: 'object', run: 'function' },
};

/** What is missing in a value or not of its type, such as "no `name`, `run`"; undefined when nothing is. */
function findMissing(value: unknown, kind: keyof typeof needed): string | undefined {
  const typeOf = (part: unknown) => (Array.isArray(part) ? 'array' : typeof part);
  const missing = Object.entries(needed[kind]).filter(([name, type]) => typeOf(Object(value)[name]) !== type);
  return missing.length === 0 ? undefined : `no ${missing.map(([name]) => `\`${name}\``).join(', ')}`;
}

/** @throws Error naming what is missing: without `eraseUser`, deleting a user would fail for ever. */
function checkManifest(exported: unknown, index: string): AssistantManifest {
  const manifest = { routes: [], jobs: [], ...Object(exported) } as Required<AssistantManifest>;
  const missing = findMissing(manifest, 'assistant');
  if (missing) throw new Error(`${index}: the assistant has ${missing}. Make it with defineAssistant({ … }).`);
  for (const kind of ['tools', 'routes', 'jobs'] as const) {
    for (const [at, part] of manifest[kind].entries()) {
      const lacking = findMissing(part, kind);
      if (lacking) throw new Error(`${index}: ${kind}[${at}] of the assistant has ${lacking}.`);
    }
  }
  return manifest;
}

async function readAssistant(folder: string, name: string): Promise<FoundAssistant> {
  const index = join(folder, 'index.ts');
  const exported: Record<string, unknown> = await import(pathToFileURL(index).href).catch((cause) => {
    throw new Error(`${index} cannot be loaded: ${reasonOf(cause)}`, { cause });
  });
  if (Object.keys(exported).join() !== 'assistant') throw new Error(`${index} exports \`assistant\` and nothing else.`);
  const told = join(folder, 'instructions.md');
  const instructions = await readFile(told, 'utf8').catch(() => '');
  if (instructions.trim() === '') throw new Error(`${told} is missing or empty: write there what the model is told.`);
  return { ...checkManifest(exported.assistant, index), name, instructions };
}

/**
 * The assistants of this server: every folder of `src/assistants` that has an `index.ts`, by name.
 * @throws Error naming all that is wrong, when one is no assistant or two collide.
 */
export async function findAssistants(root = join(import.meta.dirname, '../../assistants')): Promise<FoundAssistant[]> {
  const names: string[] = [];
  for await (const index of glob('*/index.ts', { cwd: root })) names.push(dirname(index));
  const assistants = await Promise.all(names.sort().map((name) => readAssistant(join(root, name), name)));
  const faults = findCollisions(assistants, errorCodes);
  if (faults.length > 0) throw new Error(`The assistants do not go together:\n${faults.join('\n')}`);
  return assistants;
}
