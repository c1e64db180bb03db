import { sql } from '../../../platform/postgres/index.ts';

/** A page of a user's usage. Index: usage_days_pkey. At most `limit` rows. */
export const exportUsage = (p: { userId: string; day: string; model: string; limit: number }) => sql<{
  day: string | null;
  model: string;
  requests: number;
  prompt_tokens: number;
  completion_tokens: number;
}>`
  -- plans.export_usage
  select to_char(day, 'YYYY-MM-DD')::text as day, model, requests, prompt_tokens, completion_tokens from usage_days
  where user_id = ${p.userId}::uuid and (day, model) > (${p.day}::date, ${p.model})
  order by usage_days.day, model
  limit ${p.limit}::integer`;
