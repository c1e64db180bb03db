/** What a reference such as `#/components/schemas/Session` is to. @throws Error when there is no such thing. */
function findReferred(document: unknown, reference: string): unknown {
  const found = reference
    .split('/')
    .slice(1)
    .reduce((part, name) => (part as Record<string, unknown> | undefined)?.[name], document);
  if (found === undefined) throw new Error(`The document has no ${reference}.`);
  return found;
}

/** The same piece of a document with what it refers to in place of references. */
function resolveReferences(part: unknown, document: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map((one) => resolveReferences(one, document));
  const { $ref: reference } = part as { $ref?: unknown };
  if (typeof reference === 'string') return resolveReferences(findReferred(document, reference), document);
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, resolveReferences(value, document)]));
}

/** The OpenAPI document of a server, as it is served. */
export async function fetchDocument(url: string): Promise<unknown> {
  return await (await fetch(`${url}/openapi.json`)).json();
}

/** The same without references: each is replaced by what it is to. @throws Error for one to nothing. */
export async function readDocument<Document>(url: string): Promise<Document> {
  const document = await fetchDocument(url);
  return resolveReferences(document, document) as Document;
}
