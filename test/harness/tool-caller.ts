import type { Product, TestUser } from './product.ts';
import { testContext } from './test-context.ts';

/** Makes what runs a tool of an assistant for a user, as turns do. The prefix goes before the names that it is given. */
export function toolCaller(product: Product, prefix = '') {
  return async ({ userId }: TestUser, name: string, input: unknown): Promise<unknown> => {
    const tools = product.server.installed.assistants.flatMap((assistant) => assistant.tools);
    const tool = tools.find((each) => each.name === prefix + name);
    if (tool === undefined) throw new Error(`There is no tool ${prefix}${name}.`);
    return await tool.run(input, { userId, context: testContext() });
  };
}
