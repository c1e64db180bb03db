import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Answers what the caller of a request is to be told of an error; one that it knows nothing of, as it is. */
export type ExplainError = (thrown: unknown, request: FastifyRequest) => unknown;

/** Has somebody explain what requests run into, before that is taken for a fault of ours; in place of who did so before. */
export function explainErrors({ lifecycle }: Pick<FastifyInstance, 'lifecycle'>, explain: ExplainError): void {
  lifecycle.explain = explain;
}
