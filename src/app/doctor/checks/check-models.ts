import { inspectTarget, type TargetDefinition } from '../../../core/models/index.ts';
import { listModels } from '../../open-models.ts';
import { advice, broken, type Check, fine, type Observation, SERVICE_BOUND_MS, unreached } from '../finding.ts';

async function examineTarget(model: string, target: TargetDefinition): Promise<Observation> {
  const name = `${model} at ${new URL(target.baseUrl).host}`;
  const startedAtMs = performance.now();
  try {
    const status = await inspectTarget(target, SERVICE_BOUND_MS);
    if (status === 401 || status === 403) {
      return broken(
        `${name} refuses the key (${status})`,
        'Set MODEL_API_KEY, or the variable of the target, to a valid key.',
      );
    }
    if (status >= 500)
      return advice(
        `${name} answers ${status}`,
        'Ask the provider, or give the model a second target: docs/guides/models.md.',
      );
    if (status === 404) {
      return advice(
        `${name} answers 404 where its list of models should be`,
        'See that its base URL goes up to and with /v1; all is well where the provider just has no such list.',
      );
    }
    // Any other answer is one of somebody who is there.
    return fine(`${name} answers in ${Math.round(performance.now() - startedAtMs)} ms`);
  } catch (error) {
    return unreached(
      `${name} is not reached`,
      error,
      'Mend its base URL, or the network from here to there; in a private network MODEL_ALLOW_PRIVATE=on, or allow_private of the target.',
    );
  }
}

/** Whether the models are what a server starts with, and every target of each is reached with its key. */
export const checkModels: Check = {
  name: 'models',
  async run({ config }) {
    const targets = listModels(config).flatMap(({ name, targets }) => targets.map((target) => ({ name, target })));
    if (targets.length === 0) return [fine('none is configured; the built-in offline model answers')];
    return await Promise.all(targets.map(({ name, target }) => examineTarget(name, target)));
  },
};
