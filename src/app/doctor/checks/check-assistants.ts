import { findAssistants } from '../../assistants/find-assistants.ts';
import { reasonOf } from '../../reason-of.ts';
import { broken, type Check, fine } from '../finding.ts';

/** Whether the assistants are what a server starts with. */
export const checkAssistants: Check = {
  name: 'assistants',
  run: () =>
    findAssistants().then(
      (found) => [fine(found.map(({ name }) => name).join(', ') || 'none')],
      (error: unknown) => [
        broken(reasonOf(error), 'Mend or delete that folder of src/assistants: no server starts with it.'),
      ],
    ),
};
