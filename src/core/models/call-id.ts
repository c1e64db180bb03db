import { newId } from '../../base/ids.ts';

/**
 * An id for a call of a tool that came without one. Nine letters and digits: Mistral refuses any other id that it is told, and
 * OpenAI one of more than 40 characters.
 */
export function newCallId(): string {
  return newId().slice(-9);
}
