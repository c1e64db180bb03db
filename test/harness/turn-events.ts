/** An event of a turn, as a stream tells it. */
export interface StreamedEvent {
  readonly id: number;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: each kind of event has fields of its own, which tests name.
  readonly data: any;
}

/** The events in a stream's text; frames without an event, such as comments and `[DONE]`, are left out. */
export function readEvents(text: string): StreamedEvent[] {
  const frames = text.split('\n\n').filter((frame) => /^event: /m.test(frame) && /^data: /m.test(frame));
  return frames.map((frame) => ({
    id: Number(/^id: (\d+)$/m.exec(frame)?.[1]),
    event: /^event: (.+)$/m.exec(frame)?.[1] ?? '',
    data: JSON.parse(/^data: (.+)$/m.exec(frame)?.[1] ?? 'null'),
  }));
}

/** The events of a stream one by one, as they come. Leaving the loop leaves the stream. */
export async function* followEvents(response: Response): AsyncGenerator<StreamedEvent> {
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const frames = (text + chunk).split('\n\n');
    text = frames.pop() ?? '';
    yield* readEvents(frames.map((frame) => `${frame}\n\n`).join(''));
  }
}
