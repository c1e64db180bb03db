import { listen } from '../../platform/postgres/index.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';
import { type BoundAssistants, bindAssistants } from './bind-assistants.ts';
import type { ContextParts } from './create-contexts.ts';
import type { FoundAssistant } from './found-assistant.ts';
import { UserCache } from './user-cache.ts';

/** What the assistants of a server work with. */
export interface AssistantParts extends Omit<ContextParts, 'cache' | 'observers'> {
  /** The database itself, not by way of a transaction pooler. */
  readonly directUrl: string;
  readonly metrics: Pick<ServerMetrics, 'statements'>;
}

/** The assistants of a server, which hear of what is written on other servers. */
export interface OpenAssistants extends BoundAssistants {
  close(): Promise<void>;
}

/** A statement of an assistant that changes what is cached notifies this channel of `assistant:user_id`. */
const CHANNEL = 'evenkeel_assistants';

/** Puts assistants to work on the parts of a server, and has their cache hear of what any server writes. */
export function openAssistants(
  found: readonly FoundAssistant[],
  { directUrl: url, metrics, ...parts }: AssistantParts,
): OpenAssistants {
  const cache = new UserCache(parts.clock);
  const bound = bindAssistants(found, { ...parts, cache, observers: metrics.statements.batches });
  const notifications = listen({
    ...{ url, channel: CHANNEL, log: parts.log },
    onNotification: (owner) => cache.forget(owner),
    onLost: () => cache.lose(),
    onRestored: () => cache.restore(),
  });
  return { ...bound, close: () => notifications.close() };
}
