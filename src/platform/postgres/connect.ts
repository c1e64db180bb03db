import { Client, type ClientConfig } from 'pg';

/** Opens a connection that is no pool's. A loss of it fails the query that runs, or the next. @throws Error of pg. */
export async function connect(url: string, config: Omit<ClientConfig, 'connectionString'>): Promise<Client> {
  const client = new Client({ connectionString: url, ...config });
  client.on('error', () => {});
  await client.connect();
  return client;
}
