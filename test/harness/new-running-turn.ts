import { Deadline } from '../../src/base/deadline.ts';
import { newId } from '../../src/base/ids.ts';
import { RunningTurn } from '../../src/core/chat/turns/running-turn.ts';

/** A turn of its own user, session and request. */
export function newRunningTurn(): RunningTurn {
  const ids = { userId: newId(), sessionId: newId(), turnId: newId(), messageId: newId(), requestId: newId() };
  return new RunningTurn({ ...ids, model: 'm' }, Deadline.after(30_000), 0);
}
