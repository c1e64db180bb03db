import { Pool } from 'undici';
import { createConnector } from './create-connector.ts';
import type { OpenAiTargetOptions } from './openai-target.ts';

/**
 * Asks a target for its list of models, which costs nothing, and answers the HTTP status. It is reached in the way in which
 * it is asked for completions: with its key and headers, and at no private address unless that is allowed.
 *
 * @throws Error when it is not reached or does not answer within `boundMs`; AppError `models.address_refused`.
 */
export async function inspectTarget(target: OpenAiTargetOptions, boundMs: number): Promise<number> {
  const { origin, pathname, search } = new URL(target.baseUrl);
  const connect = createConnector({ connectTimeoutMs: boundMs, allowPrivate: target.allowPrivate });
  const pool = new Pool(origin, { connections: 1, connect });
  try {
    const response = await pool.request({
      method: 'GET',
      path: `${pathname.replace(/\/+$/, '')}/models${search}`,
      headers: { ...target.headers, ...(target.apiKey && { authorization: `Bearer ${target.apiKey}` }) },
      signal: AbortSignal.timeout(boundMs),
    });
    return response.statusCode;
  } finally {
    await pool.destroy();
  }
}
