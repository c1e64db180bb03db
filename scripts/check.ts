import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

// Runs the checks side by side, for most of them keep one core busy, and prints what each says when it has ended. Exit code 1
// when one of them fails.

const checks = ['check:format', 'check:types', 'check:sql', 'check:reference'];

async function runCheck(check: string): Promise<boolean> {
  const ended = promisify(execFile)(process.execPath, ['--run', check], { maxBuffer: Number.POSITIVE_INFINITY });
  const { stdout, stderr, code = 0 } = await ended.catch((error) => error);
  console.log(`${code === 0 ? 'ok' : 'FAILED'}: ${check}\n${stdout}${stderr}`);
  return code === 0;
}

const results = await Promise.all(checks.map(runCheck));
process.exitCode = results.every((isGood) => isGood) ? 0 : 1;
