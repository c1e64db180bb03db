import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** Whether there is a Chromium. */
export function hasBrowser(): boolean {
  return existsSync(executablePath);
}

/** A real Chromium, the system's, without a window. */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    // As root in a container Chromium has no sandbox; it shows nothing here but our own pages.
    args: ['--no-sandbox'],
  });
}
