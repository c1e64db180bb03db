/**
 * Secrets that give themselves away by their look, wherever they stand: in a message of a library, an interpolated
 * string, a stack. Keys whose look says nothing (a provider's key, say) are named to `createLogger` instead.
 *
 * Repetitions are bounded so that a long text costs linear time. The first alternative steps over JSON escapes, so that
 * a masked line of JSON is still JSON (`\n` before an address must not lose its `n`).
 */
const PATTERNS = [
  String.raw`\\(?:u[0-9a-fA-F]{4}|.)`,
  // scheme://user:password@host; the password may hold / and @, so it runs to the last @ of the word
  String.raw`(?<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,30}:\/\/)[^\s:/@"\\]{0,256}:[^\s"]{0,1024}@`,
  // Begins behind the word, as a given secret does, which may go on where this would end. PLAIN is how mail servers are signed
  // in to, and some quote what they do not take
  String.raw`(?<=\b(?:[Bb]earer|[Bb]asic|AUTH PLAIN)\s{1,4})[A-Za-z0-9._~+/=-]{6,}`,
  'ek_[A-Za-z0-9]{16,}',
  String.raw`\bsk-[A-Za-z0-9_-]{12,}`,
  String.raw`eyJ[A-Za-z0-9_-]{4,4096}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]+)?`,
  // In any script, and without a dot too, as in the words of a mail server; or as the URL has it that it sends people to
  String.raw`[\p{L}\p{N}_.+%'-]{1,64}(?:@|%40)(?:[\p{L}\p{N}-]{1,63}\.){0,8}[\p{L}\p{N}-]{2,63}`,
];

/** Every match of `PATTERNS` but an escape holds one of these: a line without them, as most are, needs no search. */
const TELLTALES = ['@', '%40', 'ek_', 'sk-', 'eyJ', 'earer', 'asic', 'AUTH PLAIN'];

/** What stands where a secret stood. */
export const MASK = '[redacted]';

/** A secret shorter than this would blank out half the log (think of a password `postgres`) and is no secret. */
const SHORTEST_SECRET_LENGTH = 8;

/**
 * Makes a function that masks secrets in a text or a line of JSON: the given ones exactly, and everything that looks
 * like an API key, a bearer token, a JWT, a URL with a password, or a mail address.
 */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const exact = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET_LENGTH)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    // One may begin with another.
    .toSorted((a, b) => b.length - a.length);
  const telltales = [...exact, ...TELLTALES];
  const pattern = new RegExp([...exact.map(RegExp.escape), ...PATTERNS].join('|'), 'gu');
  return (text) => {
    if (!telltales.some((telltale) => text.includes(telltale))) return text;
    return text.replaceAll(pattern, (match, ...rest) => {
      if (match.startsWith('\\') && /^\\(?:u[0-9a-fA-F]{4}|.)$/u.test(match)) return match;
      const { scheme } = rest.at(-1) as { scheme?: string };
      return scheme === undefined ? MASK : `${scheme}${MASK}@`;
    });
  };
}

/** Masks everything in a text that looks like a secret or a mail address. */
export const maskSecrets: (text: string) => string = createMask([]);
