import { newId } from '../../src/base/ids.ts';
import { notify } from '../../src/core/notifications/queries.ts';
import type { Product, TestUser } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { createAssistantResources } from './assistant-examples.ts';
import type { Resources } from './route-examples.ts';

/** Makes one of everything that has an id, for one user. */
export async function createResources(product: Product, user: TestUser): Promise<Resources> {
  const sessionId = await product.createSession(user);
  const path = `/v1/chat/sessions/${sessionId}/messages`;
  const answer = (await (await product.request(user, 'POST', path, { content: 'Hello' })).json()) as {
    turn_id: string;
  };
  const key = (await (await product.request(user, 'POST', '/v1/keys', { name: 'spare' })).json()) as { id: string };
  const notificationId = newId();
  const told = { userId: user.userId, id: notificationId, kind: 'welcome', title: 'Welcome', body: 'It is ready.' };
  await product.postgres.query(notify(told), testContext());
  const assistants = await createAssistantResources(product, user);
  return {
    userId: user.userId,
    sessionId,
    turnId: answer.turn_id,
    keyId: key.id,
    notificationId,
    assistants,
  };
}
