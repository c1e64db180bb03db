import { relative } from 'node:path';
import type { FirstKey } from './first-user.ts';

/** What the banner tells. */
export interface BannerFacts {
  readonly address: string;
  readonly database: string;
  readonly model: string;
  readonly firstKey: FirstKey | undefined;
  /** A session of the first user, for the lines to try. */
  readonly sessionId: string | undefined;
}

/** A path as short as it can be said from here. */
function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}

/** A text as a shell takes it, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function keyLines({ firstKey }: BannerFacts): string[] {
  if (firstKey === undefined)
    return ['key       make one with: npx evenkeel keys create --username <name> (in the image without npx)'];
  const file = shown(firstKey.file);
  return firstKey.isNew ? [`key       ${firstKey.secret}`, `          kept in ${file}`] : [`key       in ${file}`];
}

function curlLines({ address, firstKey, sessionId }: BannerFacts): string[] {
  if (firstKey === undefined || sessionId === undefined) return [];
  const key = firstKey.isNew ? firstKey.secret : `$(cat ${quoted(shown(firstKey.file))})`;
  const auth = `-H "Authorization: Bearer ${key}"`;
  const json = "-H 'Content-Type: application/json'";
  const session = `${address}/v1/chat/sessions/${sessionId}/messages`;
  return [
    '',
    'Try it: create a session; in one that is there, stream a reply and read the history.',
    '',
    `curl -s ${address}/v1/chat/sessions ${auth} ${json} -d '{"title":"My first chat"}'`,
    '',
    `curl -sN ${session} ${auth} ${json} -d '{"content":"Hello!","stream":true}'`,
    '',
    `curl -s ${session} ${auth}`,
  ];
}

/** The text that a start ends with: where the server is, the key, and three lines to try. */
export function renderBanner(facts: BannerFacts): string {
  return [
    '',
    `Evenkeel is ready at ${facts.address}`,
    '',
    `docs      ${facts.address}/docs`,
    `database  ${facts.database}`,
    `model     ${facts.model}`,
    ...keyLines(facts),
    ...curlLines(facts),
    '',
    '',
  ].join('\n');
}
