/** The environment that a configuration is read from. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a variable's text is turned into, or what is wrong with it. Never quotes a secret. */
export type Parsed<Value> = { readonly value: Value } | { readonly problem: string };
