import type { Client } from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { findAssistants } from '../../src/app/assistants/find-assistants.ts';
import { createServer, type Server, type ServerParts } from '../../src/app/create-server.ts';
import { createServerMetrics } from '../../src/app/metrics/server-metrics.ts';
import { poolOptionsOf } from '../../src/app/open-database.ts';
import { newId } from '../../src/base/ids.ts';
import { createUserWithKey, type Permission, permissions } from '../../src/core/keys/index.ts';
import { loadConfig } from '../../src/platform/config/index.ts';
import { createLogger, type Logger } from '../../src/platform/log/index.ts';
import { openPostgres, type Postgres } from '../../src/platform/postgres/index.ts';
import { type StubProvider, type StubProviderOptions, startStubProvider } from '../stubs/provider.ts';
import { createTestDatabase, sharedDatabase } from './postgres.ts';
import { testContext } from './test-context.ts';

/** A user of the product under test. */
export interface TestUser {
  readonly userId: string;
  readonly key: string;
}

/** What a request asks for: its method, its path, its body if any. */
type RequestLine = [method: string, path: string, body?: unknown];

/** The whole product on a database of its own, listening on a free port. */
export interface Product {
  readonly url: string;
  readonly server: Server;
  readonly postgres: Postgres;
  readonly databaseUrl: string;
  /** Opens a connection to the database past the server, which is ended at the latest when the product is stopped. */
  connect(): Promise<Client>;
  /** Makes a user with a key that may do everything. */
  createUser(username?: string): Promise<TestUser>;
  /** Makes a key of a user that has only these permissions. */
  createKey(user: TestUser, wanted: readonly Permission[]): Promise<string>;
  /** Sends a request with the user's key; a body is sent as JSON. */
  request(user: { key: string } | undefined, ...[method, path, body]: RequestLine): Promise<Response>;
  /** Makes a chat session of the user, with these fields of what makes one; answers its id. */
  createSession(user: { key: string }, fields?: object): Promise<string>;
  /** Begins a chat of the user with an assistant; answers what sends it a message and tells what it says. */
  startChat(user: TestUser, assistant: string): Promise<(content: string) => Promise<string>>;
  stop(): Promise<void>;
}

/** How the product is started, beside what every test needs. */
type ProductOptions = Pick<ServerParts, 'worksOnJobs' | 'assistants' | 'startTrace'> & {
  /** Another server, whose database this one uses too. */
  readonly beside?: Product;
  /** Where the log goes; nowhere when absent. */
  readonly log?: Logger;
};

async function send(url: string, user: { key: string } | undefined, [method, path, body]: RequestLine) {
  return await fetch(url + path, {
    method,
    headers: {
      ...(user && { authorization: `Bearer ${user.key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** Starts the product with these variables set beside the ones that every test needs. */
export async function startProduct(
  variables: Record<string, string> = {},
  { beside, log = createLogger({ level: 'silent' }), ...options }: ProductOptions = {},
): Promise<Product> {
  const database = beside ? sharedDatabase(beside.databaseUrl) : await createTestDatabase();
  // A machine that runs many tests may take longer for a new connection than a server in earnest should wait.
  const patience = { DATABASE_POOL_WAIT_MS: '5000' };
  const config = loadConfig({ DATABASE_URL: database.url, PORT: '0', ...patience, ...variables });
  const assistantFolders = await findAssistants();
  const metrics = createServerMetrics();
  const pool = { ...poolOptionsOf(config.database), url: database.url };
  const postgres = openPostgres({ ...pool, log, observe: metrics.statements.observe });
  const parts = { config, log, postgres, directUrl: database.url, metrics, assistantFolders };
  const server = await createServer({ ...parts, ...options });
  const url = await server.http.listen({ host: '127.0.0.1', port: 0 });

  const request: Product['request'] = async (user, ...line) => await send(url, user, line);

  async function createSession(user: { key: string }, fields: object = {}): Promise<string> {
    const response = await request(user, 'POST', '/v1/chat/sessions', fields);
    if (response.status !== 201) throw new Error(`No session was made: ${await response.text()}`);
    return ((await response.json()) as { id: string }).id;
  }

  return {
    url,
    server,
    postgres,
    databaseUrl: database.url,
    connect: database.connect,
    request,
    createSession,
    async createUser(username = `user-${newId()}`) {
      const user = await createUserWithKey(postgres, { username, plan: 'free', name: 'test' }, testContext());
      if (user === undefined) throw new Error(`The username ${username} is taken.`);
      return { userId: user.userId, key: user.secret };
    },
    async createKey(user, wanted) {
      const response = await request(user, 'POST', '/v1/keys', { name: 'test', permissions: wanted });
      return ((await response.json()) as { key: string }).key;
    },
    async startChat(user, assistant) {
      const id = await createSession(user, { assistant });
      return async (content) => {
        const answer = await request(user, 'POST', `/v1/chat/sessions/${id}/messages`, { content });
        return ((await answer.json()) as { content: string }).content;
      };
    },
    async stop() {
      await database.disconnect();
      // Those that the test's client keeps for later would be drained for two seconds.
      server.http.server.closeIdleConnections();
      await server.stop();
      await postgres.close();
      await database.drop();
    },
  };
}

/** Gives the test file that calls it a product of its own, from `beforeAll` to `afterAll`; as `startProduct`. */
export function useProduct(...options: Parameters<typeof startProduct>): Product {
  const product = {} as Product;
  beforeAll(async () => {
    Object.assign(product, await startProduct(...options));
  });
  afterAll(() => product.stop?.());
  return product;
}

/** Gives the test file that calls it a user of its product, from `beforeAll` on; as `createUser`. */
export function useUser(product: Product, username?: string): TestUser {
  const user = {} as TestUser;
  beforeAll(async () => {
    Object.assign(user, await product.createUser(username));
  });
  return user;
}

/** As `useProduct`, with the model `stub-model` of a stub provider that is started before it and closed after it. */
export function useProductWithModel(
  stub: StubProviderOptions = {},
  variables: Record<string, string> = {},
  options: ProductOptions = {},
): { product: Product; provider: StubProvider } {
  const [product, provider] = [{} as Product, {} as StubProvider];
  beforeAll(async () => {
    Object.defineProperties(provider, Object.getOwnPropertyDescriptors(await startStubProvider(stub)));
    const model = { MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' };
    Object.assign(product, await startProduct({ ...model, ...variables }, options));
  });
  afterAll(async () => {
    await product.stop?.();
    await provider.close?.();
  });
  return { product, provider };
}

/** Every permission but one. */
export function permissionsWithout(missing: string): Permission[] {
  return permissions.filter((permission) => permission !== missing);
}
