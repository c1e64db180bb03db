import { isReferenceMissing } from '../../platform/postgres/index.ts';
import { signInErrors } from './errors.ts';

/**
 * What to tell a user of an error. Each row of a user's refers to the account: where one is refused because that is not
 * there, it was erased while the statement was under way, and the error is 401 `auth.user_disabled`. Any other one is answered
 * as it is; also that somebody else's account is gone.
 */
export function explainErasing(error: unknown, userId: string | undefined): unknown {
  const isErased = userId !== undefined && isReferenceMissing(error, userId);
  return isErased ? signInErrors.raise.user_disabled({ cause: error }) : error;
}
