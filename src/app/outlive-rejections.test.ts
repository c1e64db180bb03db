import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

/** What a process prints that outlives rejections, and has this happen to it. */
async function printed(happening: string): Promise<string> {
  const script = `
    import { createLogger } from '${new URL('../platform/log/index.ts', import.meta.url)}';
    import { outliveRejections } from '${new URL('outlive-rejections.ts', import.meta.url)}';
    outliveRejections(process, createLogger({ level: 'info' }));
    ${happening}
    setTimeout(() => console.log('still here'), 50);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  return stdout;
}

test('a promise that fails unawaited is logged, and the process goes on', async () => {
  const lines = await printed(`void Promise.reject(new TypeError('no such row')); void Promise.reject('private');`);
  expect(lines).toContain('still here');
  const [line = ''] = /^\{.*\}$/m.exec(lines) ?? [];
  expect(JSON.parse(line)).toMatchObject({ level: 'error', err: { name: 'TypeError', message: 'no such row' } });
  // What is no error may be what a user wrote.
  expect(lines).toContain('rejected with a string');
  expect(lines).not.toContain('private');
});

test('an exception that nobody catches ends it', async () => {
  const thrown = printed(`setImmediate(() => { throw new Error('half done'); });`);
  await expect(thrown).rejects.toMatchObject({ stdout: '', stderr: expect.stringContaining('half done') });
});
