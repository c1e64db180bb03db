import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AssistantManifest } from '../../kit/index.ts';
import { errorCodes } from '../error-codes.ts';
import { reasonOf } from '../reason-of.ts';
import { findCollisions } from './find-collisions.ts';
import type { FoundAssistant } from './found-assistant.ts';

/** What an assistant cannot do without. The compiler asks for it too, but a start does not ask the compiler. */
const needed = { description: 'string', tools: 'array', exportUser: 'function', eraseUser: 'function' } as const;

/** @throws Error naming what is missing: without `eraseUser`, deleting a user would fail for ever. */
function checkManifest(manifest: unknown, index: string): AssistantManifest {
  const parts = Object(manifest) as Record<string, unknown>;
  const typeOf = (part: unknown) => (Array.isArray(part) ? 'array' : typeof part);
  const missing = Object.entries(needed).filter(([part, type]) => typeOf(parts[part]) !== type);
  if (missing.length === 0) return parts as unknown as AssistantManifest;
  const names = missing.map(([part]) => `\`${part}\``).join(', ');
  throw new Error(`${index}: the assistant has no ${names}. Make it with defineAssistant({ … }).`);
}

async function readAssistant(folder: string, name: string): Promise<FoundAssistant> {
  const index = join(folder, 'index.ts');
  const exported: Record<string, unknown> = await import(pathToFileURL(index).href).catch((cause) => {
    throw new Error(`${index} cannot be loaded: ${reasonOf(cause)}`, { cause });
  });
  if (Object.keys(exported).join() !== 'assistant') throw new Error(`${index} exports \`assistant\` and nothing else.`);
  const instructions = await readFile(join(folder, 'instructions.md'), 'utf8');
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
