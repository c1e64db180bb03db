import { ConfigError, loadConfig } from '../../src/platform/config/index.ts';

/** The problems of an environment; none when it loads. */
export function listProblems(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
