import { AppError } from '../../base/errors.ts';
import { defineAssistantJob, Type } from '../../kit/index.ts';
import { findUnread, postponeReading, storeReading } from './queries.ts';
import { isUsedUp, readByModel } from './readings/read-by-model.ts';

/** How long after a try in vain the next one comes, in hours. The first comes an hour after the entry. */
const pausesHours = [4, 12];
/** Long enough for an answer that begins as late as the gateway waits for it, which is 60 s. */
const BUDGET_MS = 120_000;
/** What is left of that for storing the reading, in milliseconds. */
const STORE_MS = 10_000;

/** Has the model read an entry that the lexicon read, because none answered then. */
export const rereadEntry = defineAssistantJob({
  name: 'reread_entry',
  input: Type.Object({ id: Type.String({ format: 'uuid' }), attempt: Type.Integer({ minimum: 1 }) }),
  budgetMs: BUDGET_MS,
  async run({ id, attempt }, context) {
    const [entry] = await context.query(findUnread, { id });
    if (entry === undefined) return;
    try {
      const reading = await readByModel(entry.mood_text, BUDGET_MS - STORE_MS, context);
      await context.query(storeReading, { id, ...reading });
      context.forget();
    } catch (error) {
      // Then the lexicon's reading stays.
      if (isUsedUp(error)) return;
      if (!isModelTrouble(error)) throw error;
      context.log.warn({ err: error, entry_id: id, attempt }, 'the model could not read a mood again');
      const hours = pausesHours[attempt - 1];
      if (hours !== undefined) await context.query(postponeReading, { id, attempt: attempt + 1, hours });
    }
  },
});

/** Whether the model failed, or was not asked because the user has as many calls under way as the plan allows. */
function isModelTrouble(error: unknown): boolean {
  return error instanceof AppError && /^models\.|^limits\.model_calls_exceeded$/.test(error.code);
}
