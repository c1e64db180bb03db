import { defineAssistant } from '../../kit/index.ts';
import { commands } from './commands/commands.ts';
import { moodErrors } from './errors.ts';
import { rereadEntry } from './jobs.ts';
import { routes } from './routes.ts';
import { eraseUser, exportUser } from './stored-data.ts';
import { list } from './tools/list.ts';
import { log } from './tools/log.ts';
import { trend } from './tools/trend.ts';

/** Keeps a log of moods. */
export const assistant = defineAssistant({
  description: 'Keeps a log of how you feel.',
  tools: [log, list, trend],
  routes,
  errors: moodErrors,
  jobs: [rereadEntry],
  commands,
  exportUser,
  eraseUser,
});
