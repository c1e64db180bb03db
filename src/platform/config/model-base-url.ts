/** What is wrong with the URL of a model provider; undefined when nothing is. */
export function findBaseUrlFault(baseUrl: string): string | undefined {
  if (!URL.canParse(baseUrl)) return 'is no URL';
  const { username, password, pathname } = new URL(baseUrl);
  if (username !== '' || password !== '') return 'holds a user or a password; the key has a place of its own';
  if (/\/chat\/completions\/?$/.test(pathname)) return 'goes beyond /v1; leave /chat/completions away';
  return undefined;
}
