import { Type } from 'typebox';
import type { CallContext } from '../../base/call-context.ts';
import type { CatalogueEntry } from '../../base/errors.ts';
import type { Assistant } from '../../core/chat/index.ts';
import type { AssistantContext } from '../../kit/index.ts';
import type { HttpServer } from '../../platform/http/index.ts';
import { defineJob, type Job } from '../../platform/jobs/index.ts';
import { type ContextParts, createContexts, type Occasion } from './create-contexts.ts';
import type { FoundAssistant } from './found-assistant.ts';
import { registerAssistantRoutes } from './register-assistant-routes.ts';

/** An entry of what assistants store about a user. */
export interface ExportedEntry {
  /** The assistant's name. */
  readonly assistant: string;
  readonly entry: unknown;
}

/** The assistants of a server, at work on its parts. */
export interface BoundAssistants {
  /** As turns run them. */
  readonly assistants: readonly Assistant[];
  readonly jobs: readonly Job[];
  readonly errorCodes: readonly CatalogueEntry[];
  registerRoutes(http: HttpServer): void;
  /** All that the assistants store about a user, entry by entry. */
  exportUser(userId: string, call: CallContext): AsyncGenerator<ExportedEntry>;
  /** Deletes all that the assistants store about a user. Doing it again changes nothing. */
  eraseUser(userId: string, call: CallContext): Promise<void>;
}

type CreateContext = (occasion: Occasion) => AssistantContext;

function toAssistant(found: FoundAssistant, createContext: CreateContext): Assistant {
  const { name, description, instructions, tools, commands } = found;
  return {
    ...{ name, description, instructions },
    tools: tools.map((tool) => ({
      name: `${name}_${tool.name}`,
      description: tool.description,
      parameters: tool.input as unknown as Record<string, unknown>,
      writes: tool.writes,
      run: (input, { userId, context }) => tool.run(input as never, createContext({ userId, call: context })),
    })),
    ...(commands && { commands }),
  };
}

const UserId = Type.String({ format: 'uuid' });

function toJobs({ name, jobs = [] }: FoundAssistant, createContext: CreateContext): Job[] {
  return jobs.map((job) =>
    defineJob({
      ...job,
      name: `${name}.${job.name}`,
      input: Type.Object({ user_id: UserId, ...job.input.properties }, { additionalProperties: false }),
      run: ({ user_id: userId, ...input }, call) =>
        job.run(input as never, createContext({ userId, call, isJob: true })),
    }),
  );
}

/** Puts assistants to work on the parts of a server. */
export function bindAssistants(found: readonly FoundAssistant[], parts: ContextParts): BoundAssistants {
  const bound = found.map((assistant) => ({ assistant, createContext: createContexts(assistant.name, parts) }));
  return {
    assistants: bound.map(({ assistant, createContext }) => toAssistant(assistant, createContext)),
    jobs: bound.flatMap(({ assistant, createContext }) => toJobs(assistant, createContext)),
    errorCodes: found.flatMap(({ errors }) => errors?.catalogue ?? []),
    registerRoutes(http) {
      for (const { assistant, createContext } of bound) registerAssistantRoutes(http, assistant, createContext);
    },
    async *exportUser(userId, call) {
      for (const { assistant, createContext } of bound) {
        for await (const entry of assistant.exportUser(createContext({ userId, call }))) {
          yield { assistant: assistant.name, entry };
        }
      }
    },
    async eraseUser(userId, call) {
      for (const { assistant, createContext } of bound) await assistant.eraseUser(createContext({ userId, call }));
    },
  };
}
