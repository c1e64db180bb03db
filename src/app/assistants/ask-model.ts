import type { Static, TSchema } from 'typebox';
import type { CallContext } from '../../base/call-context.ts';
import { fits } from '../../base/schema-faults.ts';
import type { Asking } from '../../core/chat/index.ts';
import { modelErrors } from '../../core/models/index.ts';
import type { Question } from '../../kit/index.ts';

/** Many models put JSON into a block of Markdown, whatever they are told. */
const BLOCK = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/;

/** Models write NUL now and then, and Postgres stores no text that has one. */
function leaveOutNul(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '') : value;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(BLOCK.exec(text)?.[1] ?? text, leaveOutNul);
  } catch (cause) {
    throw modelErrors.raise.bad_response({ cause });
  }
}

/**
 * Has the default model answer a question in JSON. An answer of another shape than was asked for is as good as none.
 * @throws AppError `models.*`; the deadline's reason when that ended first.
 */
export async function askModel<Answer extends TSchema>(
  models: Pick<Asking, 'complete'>,
  { instructions, text, answer, budgetMs }: Question<Answer>,
  call: CallContext,
): Promise<Static<Answer>> {
  const deadline = call.deadline.shortenedTo(budgetMs ?? Number.POSITIVE_INFINITY);
  try {
    const messages = [
      { role: 'system' as const, content: instructions },
      { role: 'user' as const, content: text },
    ];
    // Not strict: providers then refuse a schema that says more than they enforce, such as the length of a text.
    const format = {
      type: 'json_schema' as const,
      json_schema: { name: 'answer', schema: answer as object as Record<string, unknown> },
    };
    const completion = await models.complete({ messages, response_format: format }, { ...call, deadline });
    const json = readJson(completion.choices[0]?.message.content ?? '');
    if (!fits(answer, json)) throw modelErrors.raise.bad_response();
    return json;
  } catch (error) {
    call.deadline.throwIfEnded();
    if (deadline.reason === undefined) throw error;
    throw modelErrors.raise.timeout({ missing: 'the answer' }, { cause: error });
  } finally {
    deadline.end();
  }
}
