import { Deadline } from '../../../base/deadline.ts';
import { AppError } from '../../../base/errors.ts';
import { httpErrors } from '../../../platform/http/index.ts';
import { postgresErrors } from '../../../platform/postgres/index.ts';
import { modelErrors } from '../../models/index.ts';
import { chatErrors } from '../errors.ts';
import type { StartedTurn, TurnRow } from './queries.ts';
import { RunningTurn, type TurnIdentity } from './running-turn.ts';

const catalogue = [chatErrors, modelErrors, httpErrors, postgresErrors].flatMap((errors) => errors.catalogue);

/** The error that a stored code stands for. */
function recallError(code: string | null): AppError {
  const entry = catalogue.find((known) => known.code === code);
  if (entry === undefined) return httpErrors.raise.internal();
  return new AppError(entry.code, { status: entry.status, message: entry.message });
}

/** A turn that has ended, as its readers would have seen it: the message, the answer in one piece, how it ended. */
export function recallTurn(
  identity: Omit<TurnIdentity, 'messageId' | 'model'>,
  started: StartedTurn & { content: string },
  row: TurnRow,
): RunningTurn {
  const { model, answer, answer_id: messageId, answer_seq: seq, ended_at: endedAt } = row;
  const turn = new RunningTurn({ ...identity, model, messageId: messageId ?? '' }, Deadline.after(0), 0);
  turn.deadline.end();
  const createdAt = new Date(started.created_at);
  turn.begin({ id: started.message_id, content: started.content }, { seq: started.seq, createdAt });
  if (answer) turn.write(answer);
  if (row.status === 'completed' && seq !== null && endedAt !== null) {
    const { prompt_tokens, completion_tokens } = row;
    const usage = prompt_tokens === null || completion_tokens === null ? null : { prompt_tokens, completion_tokens };
    turn.complete({ seq, createdAt: endedAt }, usage);
  } else {
    turn.fail(recallError(row.error_code));
  }
  return turn;
}
