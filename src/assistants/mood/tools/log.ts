import { defineTool, Type } from '../../../kit/index.ts';
import { logMood } from '../entries.ts';
import { Instant, MoodText } from '../schemas.ts';

export const log = defineTool({
  name: 'log',
  description: 'Logs how the user feels or felt, in the words of the user.',
  input: Type.Object(
    {
      mood_text: MoodText,
      timestamp: Type.Optional({ ...Instant, description: 'When the user felt so; now when left out.' }),
    },
    { additionalProperties: false },
  ),
  writes: true,
  run: async ({ mood_text: moodText, timestamp: feltAt }, context) => ({
    entry: await logMood({ moodText, feltAt }, context),
  }),
});
