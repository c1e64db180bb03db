import type { ChatCompletionChunk } from '../models/index.ts';

/** The text that a chunk adds, when that is all it does. */
export function plainText({ choices, usage }: ChatCompletionChunk): string | undefined {
  const [choice] = choices;
  if (choice === undefined || choices.length > 1 || usage != null) return undefined;
  const { delta, index, ...rest } = choice;
  const isPlain = index === 0 && Object.values(rest).every((value) => value === null);
  return isPlain && Object.keys(delta).length === 1 ? (delta.content ?? undefined) : undefined;
}

/** What a chunk takes beside the text that it adds, in characters. */
const FRAME_CHARS = 200;

/** About how much memory a chunk takes, in characters. */
export function charsOf(chunk: ChatCompletionChunk): number {
  return FRAME_CHARS + (plainText(chunk)?.length ?? JSON.stringify(chunk).length);
}
