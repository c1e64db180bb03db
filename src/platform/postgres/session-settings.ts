/**
 * A database URL that also says how each session is to be. The settings go into the startup packet: they hold from the
 * first statement on, cost no round trip and are what a reset goes back to. The URL's own `options` stay.
 */
export function withSessionSettings(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) throw new Error('DATABASE_URL is not a URL such as postgres://user:password@host:5432/database');
  // The second: a caller that went away is noticed while its statement runs.
  const settings = ['-c timezone=UTC', '-c client_connection_check_interval=1000'];
  parsed.searchParams.set('options', [parsed.searchParams.get('options'), ...settings].filter(Boolean).join(' '));
  return parsed.href;
}
