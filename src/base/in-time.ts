/**
 * The answer, if it comes within the bound. In a process that stood still for longer, time runs out before anything is read:
 * an answer that has come meanwhile is read first.
 *
 * @throws Error when it does not come in time; what `answer` rejects with.
 */
export function inTime<Answer>(boundMs: number, answer: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error(`no answer within ${boundMs} ms`));
    const timer = setTimeout(() => setImmediate(giveUp), boundMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
