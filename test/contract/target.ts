import { describe, expect, test } from 'vitest';
import { Cancelled } from '../../src/base/deadline.ts';
import type { ChatCompletionChunk } from '../../src/core/models/completion.ts';
import type { NamedRequest, Target } from '../../src/core/models/target.ts';
import { ample } from '../harness/test-models.ts';

/** One of those who promise what `Target` says. */
interface TargetDriver {
  /** A target of its own for each test, that says more than three words to a hello. */
  readonly open: () => Promise<Target>;
  /** The name that it is asked by. */
  readonly model: string;
}

/** The text of each piece of a stream. */
const textOf = ({ choices }: ChatCompletionChunk) => choices[0]?.delta.content ?? '';

/** Describes what every `Target` promises, whoever answers. */
export function describeTarget(name: string, { open, model }: TargetDriver): void {
  const request: NamedRequest = { model, messages: [{ role: 'user', content: 'Hello' }] };

  /** The pieces of a stream to its end. */
  async function takeStream(target: Target, changes: Partial<NamedRequest> = {}): Promise<ChatCompletionChunk[]> {
    const chunks: ChatCompletionChunk[] = [];
    await target.stream({ ...request, ...changes }, { deadline: ample() }, (chunk) => void chunks.push(chunk));
    return chunks;
  }

  describe(`a target: ${name}`, () => {
    test('answers whole, in the name that it was asked by, with usage', async () => {
      const answer = await (await open()).complete(request, { deadline: ample() });
      const message = { role: 'assistant', content: expect.stringMatching(/\S+ \S+ \S+/) };
      expect(answer).toMatchObject({ object: 'chat.completion', model });
      expect(answer.choices).toMatchObject([{ index: 0, message, finish_reason: 'stop' }]);
      expect(answer.usage?.completion_tokens).toBeGreaterThan(0);
    });

    test('streams the same text in pieces, in that name, with one end and the same usage last', async () => {
      const target = await open();
      const chunks = await takeStream(target);
      const { choices, usage } = await target.complete(request, { deadline: ample() });
      expect(chunks.filter(textOf).length).toBeGreaterThan(1);
      expect(chunks.map(textOf).join('')).toBe(choices[0]?.message.content);
      expect(new Set(chunks.map((chunk) => chunk.model))).toEqual(new Set([model]));
      expect(new Set(chunks.map(({ object }) => object))).toEqual(new Set(['chat.completion.chunk']));
      expect(chunks.flatMap((chunk) => chunk.choices).flatMap((end) => end.finish_reason ?? [])).toEqual(['stop']);
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage });
    });

    test('gives as many choices as are asked for, whole and streamed, each with its end', async () => {
      const target = await open();
      const { choices } = await target.complete({ ...request, n: 3 }, { deadline: ample() });
      const streamed = (await takeStream(target, { n: 3 })).flatMap((chunk) => chunk.choices);
      for (const ends of [choices, streamed.filter((choice) => choice.finish_reason)])
        expect(ends.map(({ index, finish_reason }) => [index, finish_reason])).toEqual(
          [0, 1, 2].map((index) => [index, 'stop']),
        );
    });

    test('gives the next piece when the one before it was dealt with', async () => {
      let [busy, mostBusy] = [0, 0];
      await (await open()).stream(request, { deadline: ample() }, async () => {
        mostBusy = Math.max(mostBusy, ++busy);
        await new Promise(setImmediate);
        busy--;
      });
      expect(mostBusy).toBe(1);
    });

    test('raises the reason of a deadline that has ended, and gives no piece', async () => {
      const [target, deadline, taken] = [await open(), ample(), [] as unknown[]];
      deadline.cancel();
      await expect(target.complete(request, { deadline })).rejects.toThrow(Cancelled);
      await expect(target.stream(request, { deadline }, (chunk) => void taken.push(chunk))).rejects.toThrow(Cancelled);
      expect(taken).toEqual([]);
    });

    test('raises the reason of a deadline that ends in mid stream, and gives no further piece', async () => {
      const [target, deadline, reason] = [await open(), ample(), new Cancelled('enough')];
      let pieces = 0;
      const stream = target.stream(request, { deadline }, () => {
        if (++pieces === 2) deadline.cancel(reason);
        return undefined;
      });
      await expect(stream).rejects.toBe(reason);
      expect(pieces).toBe(2);
    });

    test.each([
      [
        'throws',
        (failure: Error): never => {
          throw failure;
        },
      ],
      ['rejects', (failure: Error): Promise<void> => Promise.reject(failure)],
    ])('raises what its taker %s, and gives no further piece', async (_how, fail) => {
      const [target, failure] = [await open(), new Error('cannot be taken')];
      let pieces = 0;
      const stream = target.stream(request, { deadline: ample() }, () => (++pieces === 2 ? fail(failure) : undefined));
      await expect(stream).rejects.toBe(failure);
      expect(pieces).toBe(2);
    });

    test('has, once closed, an answer or an error of its own for everybody', async () => {
      const target = await open();
      await takeStream(target);
      await target.close();
      const asked = [target.complete(request, { deadline: ample() }), takeStream(target)];
      for (const outcome of await Promise.allSettled<unknown>(asked))
        if (outcome.status === 'rejected')
          expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/^models\./) });
    });
  });
}
