import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { newRunningTurn } from '../../../../test/harness/new-running-turn.ts';
import { chatErrors } from '../errors.ts';
import type { RunningTurn } from '../turns/running-turn.ts';
import { FollowedTurns } from './followed-turns.ts';

/** The turns of one socket; what was sent on it, and what is followed for it. Each send takes until it is let go on. */
function open({ isOpen = true, isSlow = false } = {}) {
  const sent: object[] = [];
  const sends: PromiseWithResolvers<void>[] = [];
  const readers: AbortSignal[] = [];
  const closes: unknown[] = [];
  const socket = {
    isOpen,
    send(event: object) {
      sent.push(event);
      if (!isSlow) return undefined;
      sends.push(Promise.withResolvers());
      return sends.at(-1)?.promise;
    },
    closeWhenIdle: () => closes.push(undefined),
  };
  const turns = { follow: (_turn: unknown, left: AbortSignal) => readers.push(left) };
  const followed = new FollowedTurns(socket as never, turns as never);
  const follow = (turn: RunningTurn, clientId = 'a') =>
    followed.follow({ turn, afterId: 0, clientId, permission: 'chat:read' });
  return { followed, follow, sent, sends, readers, closes };
}

const lost = () => chatErrors.raise.turn_lost();

test('a turn that is asked for twice goes to who asked last, until it has ended', async () => {
  const { followed, follow, sent, readers, closes } = open();
  const turn = newRunningTurn();
  const follows = [follow(turn), follow(turn, 'b')];
  await nextTurn();
  expect(followed.has(turn.key.turnId)).toBe(true);
  turn.write('Hi');
  turn.fail(lost());
  await Promise.all(follows);
  expect(sent).toMatchObject([
    { client_id: 'b', delta: 'Hi' },
    { client_id: 'b', type: 'error' },
  ]);
  expect([followed.size, closes.length]).toEqual([0, 2]);
  expect(readers.map(({ aborted }) => aborted)).toEqual([true, true]);
});

test('nothing is followed for a socket that has closed, and no more for one that leaves', async () => {
  const closed = open({ isOpen: false });
  const ended = newRunningTurn();
  ended.fail(lost());
  await closed.follow(ended);
  expect(closed.sent).toEqual([]);
  const { followed, follow, readers } = open();
  void follow(newRunningTurn());
  followed.leave();
  await nextTurn();
  expect([followed.size, readers[0]?.aborted]).toEqual([0, true]);
});

test('turns that may not be read any more end with that, and no others', async () => {
  const { followed, follow, sent } = open();
  void follow(newRunningTurn());
  followed.recheck(() => undefined);
  followed.recheck(() => {
    throw lost();
  });
  await nextTurn();
  expect(sent).toMatchObject([{ type: 'error', error: { code: 'chat.turn_lost' } }]);
});

test('while a connection takes no more, turns wait for each other, and those that were left send nothing', async () => {
  const { followed, follow, sent, sends } = open({ isSlow: true });
  const turns = Array.from({ length: 4 }, newRunningTurn);
  for (const turn of turns) void follow(turn);
  const told = async () => {
    await nextTurn();
    return sent.map((event) => (event as { delta?: string }).delta);
  };
  for (const [at, turn] of turns.slice(0, 2).entries()) turn.write(`${at}`);
  expect(await told()).toEqual(['0']);
  sends[0]?.resolve();
  expect(await told()).toEqual(['0', '1']);
  for (const [at, turn] of turns.slice(2).entries()) turn.write(`${at + 2}`);
  expect(await told()).toEqual(['0', '1']);
  sends[1]?.resolve();
  expect(await told()).toEqual(['0', '1', '2']);
  followed.leave();
  sends[2]?.resolve();
  expect(await told()).toEqual(['0', '1', '2']);
});

test('a socket gets sixteen turns at the same time at most', () => {
  const { followed, follow } = open();
  for (let turn = 0; turn < 16; turn++) {
    followed.checkRoom();
    void follow(newRunningTurn());
  }
  expect(() => followed.checkRoom()).toThrow(chatErrors.raise.too_many_turns().message);
  followed.leave();
});
