import { createPrivyApp } from '../../test/harness/privy-app.ts';
import type { Bench } from '../frame/bench.ts';
import type { LoadRequest } from '../load/plan.ts';
import { expectAnswer } from '../stage/ask.ts';
import { countPerRequest } from './statements.ts';

const SIGN_INS = 100;

/** How many statements a sign-in takes: of a user in the cache, of one who is not, of a new one with a referral. */
export const signInStatements: Bench = {
  name: 'sign-in-statements',
  async measure(stage) {
    const { variables, token } = await createPrivyApp();
    const start = () => stage.startProduct({ variables, flags: ['--no-jobs'] });
    await using warm = await start();
    await using cold = await start();
    const signIn = async (subject: string, expectedStatus: number, rest: object = {}): Promise<LoadRequest> => {
      const body = { token: await token(subject), ...rest };
      return { method: 'POST', path: '/api/auth', body, expectedStatus };
    };
    const referrer = (await expectAnswer(warm.port, await signIn('referrer', 201))).body;
    const select = 'select referral_code from users where user_id = $1';
    const { rows } = await stage.database.query<{ referral_code: string }>(select, [referrer.user.id]);
    const code = rows[0]?.referral_code;
    const subjects = Array.from({ length: SIGN_INS }, (_, index) => `user-${index}`);
    const signUps = await Promise.all(subjects.map((subject) => signIn(subject, 201, { referral_code: code })));
    const signIns = await Promise.all(subjects.map((subject) => signIn(subject, 200)));
    const { port } = warm;
    return [
      await countPerRequest(stage, { name: 'sign-up with referral', port, requests: signUps, limit: 1 }),
      await countPerRequest(stage, { name: 'sign-in hit', port, requests: signIns, limit: 0 }),
      await countPerRequest(stage, { name: 'sign-in miss', port: cold.port, requests: signIns, limit: 1 }),
    ];
  },
};
