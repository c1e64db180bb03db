import fs from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { keepSecret } from './keep-secret.ts';

it('a secret is on the disk before its file appears: after a power loss there is no file that holds less', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-keep-secret-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'secret');
  const flushed: object[] = [];
  const flush = vi.spyOn(fs, 'fsyncSync').mockImplementation((descriptor) => {
    flushed.push({ bytes: fs.fstatSync(descriptor).size, hasAppeared: fs.existsSync(file) });
  });
  onTestFinished(() => flush.mockRestore());
  expect(keepSecret(file, 'hush')).toBe('hush');
  expect(flushed).toEqual([{ bytes: 5, hasAppeared: false }]);
  expect(await readFile(file, 'utf8')).toBe('hush\n');
});
