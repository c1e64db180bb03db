import { expect, it, onTestFinished } from 'vitest';
import { hasBrowser, startBrowser } from '../harness/browser.ts';
import { makeTestDirectory } from '../harness/make-test-directory.ts';
import { createTestDatabase } from '../harness/postgres.ts';
import { startServerProcess } from './server-process.ts';

/** Starts a server for the test that runs; answers where it is. */
async function startServer(): Promise<string> {
  const directory = await makeTestDirectory();
  const database = await createTestDatabase();
  const server = await startServerProcess({ DATABASE_URL: database.url, DATA_DIR: directory, LOG_LEVEL: 'warn' });
  onTestFinished(async () => {
    await server.end('SIGTERM');
    await database.drop();
  });
  return server.url;
}

it.skipIf(!hasBrowser())(
  '/docs shows every operation in a browser and tries it there, and the browser finds nothing to complain of',
  async () => {
    const url = await startServer();
    const browser = await startBrowser();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:')) complaints.push(request.url());
    });
    await page.goto(`${url}/docs`);
    await page.locator('.opblock').first().waitFor();

    const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> };
    const operations = Object.values(paths).flatMap((path) => Object.keys(path));
    expect(await page.locator('.opblock').count()).toBe(operations.length);
    const livez = page.locator('.opblock', { hasText: '/livez' });
    await livez.click();
    await livez.getByText('Try it out').click();
    await livez.getByText('Execute', { exact: true }).click();
    await livez.locator('.live-responses-table', { hasText: '"alive"' }).waitFor();
    expect(complaints).toEqual([]);
  },
);
