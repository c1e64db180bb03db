import type { Product, TestUser } from '../harness/product.ts';
import type { Resources } from './route-examples.ts';

/** Makes one of everything that has an id, for one user. */
export async function createResources(product: Product, user: TestUser): Promise<Resources> {
  const session = (await (await product.request(user, 'POST', '/v1/chat/sessions', {})).json()) as { id: string };
  const path = `/v1/chat/sessions/${session.id}/messages`;
  const answer = (await (await product.request(user, 'POST', path, { content: 'Hello' })).json()) as {
    turn_id: string;
  };
  const key = (await (await product.request(user, 'POST', '/v1/keys', { name: 'spare' })).json()) as { id: string };
  return { sessionId: session.id, turnId: answer.turn_id, keyId: key.id };
}
