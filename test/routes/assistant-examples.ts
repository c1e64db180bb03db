import { findAssistants } from '../../src/app/assistants/find-assistants.ts';
import type { Product, TestUser } from '../harness/product.ts';
import type { Resources, RouteExample } from './route-examples.ts';

const assistants = await findAssistants();

/** The routes of the assistants that are there, each with the address under which it is registered. */
const routes = assistants.flatMap(({ name, routes = [] }) =>
  routes.map((route) => ({ ...route, url: `/api/${name}${route.path}` })),
);

/** The addresses that end in a parameter, by the address before it: where what it names is made. */
function listCollections(): string[] {
  const named = routes.flatMap(({ url }) => /^(.*)\/:\w+$/.exec(url)?.[1] ?? []);
  return [...new Set(named)];
}

/** Makes one of everything that a path of an assistant names, for one user; the ids by where they were made. */
export async function createAssistantResources(product: Product, user: TestUser): Promise<Record<string, string>> {
  const made: Record<string, string> = {};
  for (const url of listCollections()) {
    const body = routes.find((route) => route.method === 'POST' && route.url === url)?.example;
    const response = await product.request(user, 'POST', url, body);
    if (response.status !== 201) throw new Error(`POST ${url} answered ${response.status}: ${await response.text()}`);
    made[url] = ((await response.json()) as { id: string }).id;
  }
  return made;
}

/** The ids of path parameters, by name. */
export function parametersOf(made: Readonly<Record<string, string>>): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const { url } of routes) {
    const [, collection = '', parameter = ''] = /^(.*)\/:(\w+)$/.exec(url) ?? [];
    const id = made[collection];
    if (id !== undefined) parameters[parameter] = id;
  }
  return parameters;
}

/** A valid request for every route of every assistant: its own example. */
export function listAssistantExamples(): Record<string, (resources: Resources) => RouteExample> {
  const toExample = ({ method, url, example: body }: (typeof routes)[number]) => {
    const example = ({ assistants: made }: Resources): RouteExample => {
      const path = url.replace(/^(.*)\/:\w+$/, (_all, collection: string) => `${collection}/${made[collection]}`);
      return { method, path, ...(body !== undefined && { body }) };
    };
    return [`${method} ${url}`, example] as const;
  };
  return Object.fromEntries(routes.map(toExample));
}
