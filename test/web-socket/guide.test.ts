import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { isInstalled } from '../harness/is-installed.ts';
import { startProduct } from '../harness/product.ts';

it.skipIf(!isInstalled('todo'))('the example of the guide runs as it is', async () => {
  const guide = await readFile(new URL('../../docs/guides/websocket.md', import.meta.url), 'utf8');
  const [, example = ''] = /```js\n(.*?)```/s.exec(guide) ?? [];
  const product = await startProduct();
  try {
    const user = await product.createUser();
    const env = { EVENKEEL_URL: product.url, EVENKEEL_KEY: user.key };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', example], { env });
    expect(stderr).toBe('');
    expect(stdout).toContain('milk');
  } finally {
    await product.stop();
  }
});
