import { type Browser, chromium } from 'playwright-core';

/** A real Chromium, the system's, without a window. */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    // As root in a container Chromium has no sandbox; it shows nothing here but our own pages.
    args: ['--no-sandbox'],
  });
}
