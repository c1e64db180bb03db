import { AppError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { AssistantContext, Stored } from '../../kit/index.ts';
import { type EntryRow, insertEntries } from './queries.ts';
import { readByLexicon } from './readings/read-by-lexicon.ts';
import { isUsedUp, readByModel } from './readings/read-by-model.ts';
import type { Entry, Reading } from './schemas.ts';

/** How long somebody who logs a mood waits for the model, in milliseconds. */
const LONGEST_WAIT_MS = 8_000;
/** What is left of the time for storing the entry, in milliseconds: as long as a statement may take. */
const STORE_MS = 2_000;

/** An entry as it goes out. */
export function toEntry({ felt_at, created_at, ...row }: EntryRow): Entry {
  return { object: 'mood.entry', ...row, felt_at: felt_at.toISOString(), created_at: created_at.toISOString() };
}

/** A reading, and whether the model is to do better later. */
interface SourcedReading extends Reading {
  readonly source: string;
  readonly isToReread: boolean;
}

/** Reads a mood by the model, or else by the lexicon. */
async function readMood(text: string, context: AssistantContext): Promise<SourcedReading> {
  try {
    const budgetMs = Math.max(0, Math.min(LONGEST_WAIT_MS, context.deadline.remainingMs() - STORE_MS));
    return { ...(await readByModel(text, budgetMs, context)), source: 'model', isToReread: false };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (context.hasModel) context.log.warn({ err: error }, 'the model could not read a mood: the lexicon does');
    return { ...readByLexicon(text), source: 'lexicon', isToReread: context.hasModel && !isUsedUp(error) };
  }
}

/** How a user felt, and when; now unless it is said. */
interface Felt {
  readonly moodText: string;
  readonly feltAt: string | undefined;
}

/** Stores how the user felt, once if the request is repeated. It is stored also while no model answers. */
export async function logMood(felt: Felt, context: AssistantContext): Promise<Entry> {
  const { answer } = await context.once(insertEntries, () => readEntry(felt, context));
  context.forget();
  const stored = answer as Stored<EntryRow>;
  return toEntry({ ...stored, felt_at: new Date(stored.felt_at), created_at: new Date(stored.created_at) });
}

async function readEntry({ moodText, feltAt }: Felt, context: AssistantContext) {
  const reading = await readMood(moodText, context);
  const instant = feltAt === undefined ? context.clock.now() : new Date(feltAt);
  return { id: newId(), moodText, ...reading, feltAt: instant };
}
