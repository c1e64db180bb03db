import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Waits for the end of its input, ends each Postgres whose data lie in the folder that it is given, and removes the folder. */
const CLEAN_UP = `
cat
for file in $(find "$0" -name postmaster.pid); do kill -QUIT "$(head -n 1 "$file")"; done
for try in 1 2 3 4 5; do rm -rf "$0" && break; sleep 1; done`;

/**
 * Gives this process, and those that it starts from now on, a folder of their own for temporary files. When the process ends,
 * be it by Ctrl-C or killed, the folder is removed, and each Postgres that still runs in it is ended. Otherwise that goes on,
 * and its files take up memory where that is where they lie. Answers the folder.
 */
export function useTemporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-run-'));
  // Under root, Postgres runs as another user, who must get in.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  // Detached: it is not what Ctrl-C is meant for. Its input ends when this process does, however that comes about.
  const cleaner = spawn('sh', ['-c', CLEAN_UP, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  cleaner.unref();
  (cleaner.stdin as Socket).unref();
  return folder;
}
