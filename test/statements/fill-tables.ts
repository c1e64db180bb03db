import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';

/** How many users there are; sessions, messages and the rest follow from it. */
export const USER_COUNT = 10_000;
const SESSIONS_PER_USER = 5;
const MESSAGES_PER_SESSION = 20;
const TURNS_PER_SESSION = MESSAGES_PER_SESSION / 2;

// The same number gives the same id in each table, so that rows find one another.
const id = (kind: string, number: string): string => `('${kind}' || lpad(to_hex(${number}), 24, '0'))::uuid`;
const user = (number: string): string => id('00000001', number);
const session = (number: string): string => id('00000002', number);
const turn = (number: string): string => id('00000003', number);
const at = (number: string): string => `timestamptz '2026-01-01' + make_interval(secs => ${number})`;

const SESSIONS = USER_COUNT * SESSIONS_PER_USER;
const TURNS = SESSIONS * TURNS_PER_SESSION;

/** Who owns the n-th session: each user in turn, so that no user's rows lie together. */
const ownerOf = (sessionNumber: string): string => user(`(${sessionNumber}) % ${USER_COUNT}`);

const fillings = [
  `insert into users (user_id, username, email)
    select ${user('n')}, 'user-' || n, 'user-' || n || '@example.com' from generate_series(0, ${USER_COUNT - 1}) n`,
  `insert into api_keys (user_id, id, hash, prefix, name, permissions, revoked_at)
    select ${ownerOf('n')}, ${id('00000004', 'n')}, sha256(n::text::bytea), 'ek_' || n, 'key', '{chat:read,chat:write}',
      case when n % 4 = 0 then now() end
    from generate_series(0, ${USER_COUNT * 3 - 1}) n`,
  `insert into chat_sessions (user_id, id, title, message_count, created_at, updated_at)
    select ${ownerOf('n')}, ${session('n')}, 'Title ' || n, ${MESSAGES_PER_SESSION}, ${at('n')}, ${at('n + 5000')}
    from generate_series(0, ${SESSIONS - 1}) n`,
  // One turn in five thousand still runs.
  `insert into chat_turns (user_id, id, session_id, status, owner, model, heartbeat_at, created_at, question_seq, answer_seq)
    select ${ownerOf(`n % ${SESSIONS}`)}, ${turn('n')}, ${session(`n % ${SESSIONS}`)},
      case when n % 5000 = 0 then 'running' else 'completed' end, ${id('00000005', 'n % 8')}, 'model', ${at('n')}, ${at('n')},
      n / ${SESSIONS} * 2 + 1, n / ${SESSIONS} * 2 + 2
    from generate_series(0, ${TURNS - 1}) n`,
  `insert into chat_messages (user_id, session_id, seq, id, turn_id, role, content, created_at)
    select ${ownerOf('s')}, ${session('s')}, seq, ${id('00000006', `s * ${MESSAGES_PER_SESSION} + seq`)},
      ${turn(`s + (seq - 1) / 2 * ${SESSIONS}`)}, case when seq % 2 = 1 then 'user' else 'assistant' end,
      'What was said, at some length: ' || seq, ${at('s + seq * 60')}
    from generate_series(0, ${SESSIONS - 1}) s, generate_series(1, ${MESSAGES_PER_SESSION}) seq`,
  // In the first month, of which alone there is something then.
  `insert into activity (user_id, id, kind, subject_id)
    select ${ownerOf('n')}, activity_first_id(date_trunc('month', now()) + make_interval(secs => n)), 'turn.started', ${turn('n')}
    from generate_series(0, ${TURNS - 1}) n`,
  `insert into usage_writers (id, batch) select ${id('00000009', 'n')}, 1 from generate_series(0, 999) n`,
  `insert into usage_days (user_id, day, model, requests, prompt_tokens, completion_tokens)
    select ${user('u')}, date '2026-01-01' + d, 'model', 10, 1000, 1000
    from generate_series(0, ${USER_COUNT - 1}) u, generate_series(0, 19) d`,
  `insert into idempotency_keys (user_id, key, fingerprint, answer, created_at)
    select ${ownerOf('n')}, 'key-' || n, sha256(n::text::bytea), '{}', now() - interval '36 hours' * n / ${SESSIONS}
    from generate_series(0, ${SESSIONS - 1}) n`,
  // One in ten is not read yet.
  `insert into notifications (user_id, id, kind, title, body, in_app, read_at)
    select ${ownerOf('n')}, ${id('00000008', 'n')}, 'welcome', 'Title', 'What was told, at some length', n % 50 > 0,
      case when n % 10 > 0 then now() end
    from generate_series(0, ${SESSIONS - 1}) n`,
  `insert into notification_preferences (user_id, kind, in_app, email)
    select ${user('n')}, kind, true, false
    from generate_series(0, ${USER_COUNT - 1}) n, unnest(array['welcome', 'referral_joined']) kind`,
  // A morning after a bad night: one job in fifty was set aside, five run, the rest wait.
  `insert into graphile_worker._private_tasks (identifier) select 'test.work_' || n from generate_series(0, 9) n`,
  `insert into graphile_worker._private_jobs (task_id, run_at, attempts, locked_at, locked_by)
    select 1 + n % 10, ${at('n')}, case when n % 50 = 0 then 25 else 0 end,
      case when n < 5 then now() end, case when n < 5 then 'worker' end
    from generate_series(0, ${SESSIONS - 1}) n`,
  `insert into identities (user_id, issuer, subject)
    select ${user('n')}, 'https://issuer.example.com', 'subject-' || n from generate_series(0, ${USER_COUNT - 1}) n`,
  `insert into refresh_families (user_id, id, generation, expires_at, revoked_at)
    select ${ownerOf('n')}, ${id('00000008', 'n')}, 1, now() + interval '30 days', case when n % 4 = 0 then now() end
    from generate_series(0, ${SESSIONS - 1}) n`,
  `insert into referrals (user_id, referred_user_id)
    select ${user('n / 10')}, ${user('n')} from generate_series(0, ${USER_COUNT - 1}) n`,
  `insert into rewards (user_id, id, tokens)
    select ${ownerOf('n')}, ${id('00000009', 'n')}, 1000 from generate_series(0, ${SESSIONS - 1}) n`,
];

const SOURCE = join(import.meta.dirname, '..', '..', 'src');

/** How the tables of the assistants are filled: each folder has its own. */
const assistantFillings = globSync('assistants/*/fill-tables.sql', { cwd: SOURCE }).map((file) =>
  readFileSync(join(SOURCE, file), 'utf8'),
);

/** Fills a database with a million messages of 10,000 users and all that belongs to them, and has it analyzed. */
export async function fillTables(client: Client): Promise<void> {
  // Without the triggers of foreign keys, which would look up each row on its own.
  await client.query('set session_replication_role = replica');
  // A million entries one by one take far longer than all at once. Those of partitions and of constraints stay.
  const { rows } = await client.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
      from pg_index i join pg_class t on t.oid = indrelid join pg_namespace n on n.oid = t.relnamespace
      where n.nspname !~ '^pg_' and t.relkind = 'r' and not t.relispartition
        and not exists (select from pg_constraint where conindid = indexrelid)`,
  );
  for (const { name } of rows) await client.query(`drop index ${name}`);
  for (const filling of [...fillings, ...assistantFillings]) await client.query(filling);
  await client.query(`set maintenance_work_mem = '512MB'`);
  for (const { definition } of rows) await client.query(definition);
  await client.query('set session_replication_role = origin');
  await client.query('analyze');
}

/** Ends the turns that run: a night without requests, in which the tables are analyzed too. */
export async function endRunningTurns(client: Client): Promise<void> {
  await client.query(`update chat_turns set status = 'completed' where status = 'running'`);
  await client.query('vacuum analyze chat_turns');
}

/** The name of every table that has a user_id and no more rows than there are users: a plan for it would say nothing. */
export async function listUnfilled(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ relname: string }>(
    `select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
      where c.relkind in ('r', 'p') and not c.relispartition and c.reltuples < $1 order by 1`,
    [USER_COUNT],
  );
  return rows.map(({ relname }) => relname);
}
