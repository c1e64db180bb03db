/**
 * Whether a text is an origin exactly as browsers send it: scheme, host, port if not the scheme's own, nothing more. Apps that
 * are pages in a browser of their own have a scheme of their own too: `capacitor://localhost`.
 */
export function isOrigin(text: string): boolean {
  if (text.includes('*') || !URL.canParse(text)) return false;
  const { origin, protocol, host } = new URL(text);
  // It knows no origin of an app.
  if (origin === 'null') return host !== '' && text === `${protocol}//${host}`;
  return /^https?:/.test(text) && text === origin;
}
