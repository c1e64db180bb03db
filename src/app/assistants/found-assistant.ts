import type { AssistantManifest } from '../../kit/index.ts';

/** An assistant as its folder has it. */
export interface FoundAssistant extends AssistantManifest {
  /** The folder's name. */
  readonly name: string;
  readonly instructions: string;
}
