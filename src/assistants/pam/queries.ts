import { type OnceRow, type Owned, type Repeatable, sql } from '../../kit/index.ts';

/** An expense, as stored. */
export interface ExpenseRow {
  id: string;
  amount_minor: number;
  currency: string;
  category: string;
  note: string | null;
  spent_on: string;
  created_at: Date;
  updated_at: Date;
}

/** An expense to be stored, once by its key if it has one. */
export interface NewExpense extends Owned, Repeatable {
  id: string;
  amountMinor: number;
  currency: string;
  category: string;
  note: string | null;
  spentOn: string;
}

/**
 * Stores expenses, each with the record of its Idempotency-Key. One row each: of an input whose key was used before, the
 * expense as it was stored then. Index: idempotency_keys_pkey.
 */
export const insertExpenses = (rows: readonly NewExpense[]) => sql<OnceRow>`
  -- pam.insert_expenses
  with input as (
    select *, coalesce('key ' || idempotency_key, 'row ' || i) as work from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.id)}::uuid[],
      ${rows.map((row) => row.amountMinor)}::bigint[], ${rows.map((row) => row.currency)}::text[],
      ${rows.map((row) => row.category)}::text[], ${rows.map((row) => row.note)}::text[],
      ${rows.map((row) => row.spentOn)}::date[], ${rows.map((row) => row.idempotencyKey)}::text[],
      ${rows.map((row) => row.fingerprint)}::bytea[]
    ) with ordinality as input (
      user_id, id, amount_minor, currency, category, note, spent_on, idempotency_key, fingerprint, i
    )
  ), known as (
    select input.i, k.fingerprint, k.answer
    from input cross join lateral (
      select fingerprint, answer from idempotency_keys
      where user_id = input.user_id and key = input.idempotency_key
      limit 1
    ) k
  ), fresh as (
    select distinct on (user_id, work) input.* from input
    where input.i <> all (array(select i from known))
    order by user_id, work, i
  ), created as (
    insert into pam.expenses (user_id, id, amount_minor, currency, category, note, spent_on)
    select user_id, id, amount_minor, currency, category, note, spent_on from fresh
    returning user_id, id, amount_minor, currency, category, note, spent_on, created_at, updated_at
  ), answered as (
    select fresh.user_id, fresh.work, fresh.i, fresh.idempotency_key, fresh.fingerprint,
      to_jsonb(created) - 'user_id' as answer
    from fresh join created on created.user_id = fresh.user_id and created.id = fresh.id
  ), remembered as (
    insert into idempotency_keys (user_id, key, fingerprint, answer)
    select user_id, idempotency_key, fingerprint, answer from answered where idempotency_key is not null
  )
  select input.i::integer as i, coalesce(known.answer, answered.answer) as answer,
    answered.i is distinct from input.i as replayed,
    coalesce(known.fingerprint, answered.fingerprint) = input.fingerprint as is_same
  from input
  left join known on known.i = input.i
  left join answered on answered.user_id = input.user_id and answered.work = input.work`;

/** Which expenses are asked for; null leaves a condition out. */
export interface ExpenseQuery extends Owned {
  from: string | null;
  to: string | null;
  category: string | null;
  /** The place after which the page begins. */
  afterSpentOn: string | null;
  afterId: string | null;
  limit: number;
}

/** A page of expenses, the latest day first. Index: expenses_by_day. At most `limit` rows. */
export const listExpenses = (p: ExpenseQuery) => sql<ExpenseRow>`
  -- pam.list_expenses
  select id, amount_minor, currency, category, note, spent_on, created_at, updated_at
  from pam.expenses
  where user_id = ${p.userId}::uuid
    and (spent_on, id) < (coalesce(${p.afterSpentOn}::date, 'infinity'),
      coalesce(${p.afterId}::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    and spent_on between coalesce(${p.from}::date, '-infinity') and coalesce(${p.to}::date, 'infinity')
    and (${p.category}::text is null or category = ${p.category}::text)
  order by spent_on desc, id desc
  limit ${p.limit}::integer`;

/** What of an expense is to be changed; null, and a note that is not set, stays. */
export interface ExpenseChange extends Owned {
  id: string;
  amountMinor: number | null;
  currency: string | null;
  category: string | null;
  setNote: boolean;
  note: string | null;
  spentOn: string | null;
}

/** Changes an expense. Index: expenses_pkey. One row or none. */
export const updateExpense = (p: ExpenseChange) => sql<ExpenseRow>`
  -- pam.update_expense
  update pam.expenses
  set amount_minor = coalesce(${p.amountMinor}, amount_minor),
    currency = coalesce(${p.currency}, currency),
    category = coalesce(${p.category}, category),
    note = case when ${p.setNote} then ${p.note} else note end,
    spent_on = coalesce(${p.spentOn}::date, spent_on),
    updated_at = greatest(updated_at, clock_timestamp())
  where user_id = ${p.userId}::uuid and id = ${p.id}::uuid
  returning id, amount_minor, currency, category, note, spent_on, created_at, updated_at`;

/** Deletes an expense. Index: expenses_pkey. One row or none. */
export const deleteExpense = (p: Owned & { id: string }) => sql<ExpenseRow>`
  -- pam.delete_expense
  delete from pam.expenses where user_id = ${p.userId}::uuid and id = ${p.id}::uuid
  returning id, amount_minor, currency, category, note, spent_on, created_at, updated_at`;

/** What is to be added up. */
export interface SpendingQuery extends Owned {
  from: string;
  to: string;
  category: string | null;
  limit: number;
}

/**
 * What was spent: first a row for each currency, without month and category, that has all of it; then by month and
 * category, the latest month first. Sums are text: they may be beyond what a number holds. Indexes: expenses_by_day,
 * budgets_pkey. At most `limit` rows.
 */
export const summarizeSpending = (p: SpendingQuery) => sql<{
  currency: string | null;
  month: string | null;
  category: string | null;
  total_minor: string | null;
  expenses: number | null;
  budget_minor: number | null;
}>`
  -- pam.summarize_spending
  with spent as (
    select currency, to_char(spent_on, 'YYYY-MM') as month, category, amount_minor
    from pam.expenses
    where user_id = ${p.userId}::uuid and spent_on between ${p.from}::date and ${p.to}::date
      and (${p.category}::text is null or category = ${p.category}::text)
  ), summed as (
    select currency, month, category, sum(amount_minor) as total, count(*)::integer as expenses
    from spent
    group by grouping sets ((currency), (currency, month, category))
  )
  select s.currency, s.month, s.category, s.total::text as total_minor, s.expenses, b.amount_minor as budget_minor
  from summed s
  left join pam.budgets b on b.user_id = ${p.userId}::uuid and b.category = s.category and b.currency = s.currency
  order by s.month desc nulls first, s.total desc, s.currency, s.category
  limit ${p.limit}::integer`;

/** What may be spent on a category in a month. */
export interface BudgetRow {
  category: string;
  currency: string;
  amount_minor: number;
}

/** Sets a budget, in place of an earlier one. Index: budgets_pkey. No row. */
export const putBudget = (p: Owned & { category: string; currency: string; amountMinor: number }) => sql`
  -- pam.put_budget
  insert into pam.budgets (user_id, category, currency, amount_minor)
  values (${p.userId}::uuid, ${p.category}, ${p.currency}, ${p.amountMinor})
  on conflict (user_id, category, currency) do update set amount_minor = excluded.amount_minor`;

/** Takes a budget away. Index: budgets_pkey. No row. */
export const deleteBudget = (p: Owned & { category: string; currency: string }) => sql`
  -- pam.delete_budget
  delete from pam.budgets
  where user_id = ${p.userId}::uuid and category = ${p.category}::text and currency = ${p.currency}::text`;

/** A page of budgets. Index: budgets_pkey. At most `limit` rows. */
export const listBudgets = (
  p: Owned & { afterCategory: string; afterCurrency: string; limit: number },
) => sql<BudgetRow>`
  -- pam.list_budgets
  select category, currency, amount_minor
  from pam.budgets
  where user_id = ${p.userId}::uuid and (category, currency) > (${p.afterCategory}::text, ${p.afterCurrency}::text)
  order by category, currency
  limit ${p.limit}::integer`;

/** The plan of a day, as stored. */
export interface TripDayRow {
  day: string;
  place: string;
  stops: unknown;
}

/** Stores the plan of a day, in place of an earlier one. Index: trip_days_pkey. No row. */
export const putTripDay = (p: Owned & { day: string; place: string; stops: string }) => sql`
  -- pam.put_trip_day
  insert into pam.trip_days (user_id, day, place, stops)
  values (${p.userId}::uuid, ${p.day}::date, ${p.place}, ${p.stops}::jsonb)
  on conflict (user_id, day) do update set place = excluded.place, stops = excluded.stops`;

/** The plan of a day. Index: trip_days_pkey. One row or none. */
export const findTripDay = (p: Owned & { day: string }) => sql<TripDayRow>`
  -- pam.find_trip_day
  select day, place, stops from pam.trip_days where user_id = ${p.userId}::uuid and day = ${p.day}::date`;

/** A page of planned days. Index: trip_days_pkey. At most `limit` rows. */
export const listTripDays = (p: Owned & { afterDay: string; limit: number }) => sql<TripDayRow>`
  -- pam.list_trip_days
  select day, place, stops from pam.trip_days
  where user_id = ${p.userId}::uuid and day > ${p.afterDay}::date
  order by day
  limit ${p.limit}::integer`;

/** How a user counts, as stored. */
export interface SettingsRow {
  currency: string;
  time_zone: string;
  language: string | null;
}

/** How a user counts. Index: settings_pkey. One row or none. */
export const findSettings = (p: Owned) => sql<SettingsRow>`
  -- pam.find_settings
  select currency, time_zone, language from pam.settings where user_id = ${p.userId}::uuid`;

/** Sets how a user counts. Index: settings_pkey. No row. */
export const putSettings = (p: Owned & { currency: string; timeZone: string; language: string | null }) => sql`
  -- pam.put_settings
  insert into pam.settings (user_id, currency, time_zone, language)
  values (${p.userId}::uuid, ${p.currency}, ${p.timeZone}, ${p.language})
  on conflict (user_id) do update
  set currency = excluded.currency, time_zone = excluded.time_zone, language = excluded.language`;

/** Deletes some of a user's expenses. Index: expenses_pkey. A row for each, at most `limit`. */
export const deleteExpenses = (p: Owned & { limit: number }) => sql<{ id: string }>`
  -- pam.delete_expenses
  delete from pam.expenses
  where user_id = ${p.userId}::uuid and id = any (array(
    -- A number that the planner does not see: it would sort all rows of a user who it thinks has few, for each page.
    select id from pam.expenses where user_id = ${p.userId}::uuid order by id
    limit (select ${p.limit}::integer)
  ))
  returning id`;

/** Deletes some of a user's budgets. Index: budgets_pkey. A row for each, at most `limit`. */
export const deleteBudgets = (p: Owned & { limit: number }) => sql<{ category: string; currency: string }>`
  -- pam.delete_budgets
  delete from pam.budgets
  where user_id = ${p.userId}::uuid and (category, currency) <= (
    select category, currency from (
      -- A number that the planner does not see: it would sort all rows of a user who it thinks has few, for each page.
      select category, currency from pam.budgets where user_id = ${p.userId}::uuid order by category, currency
      limit (select ${p.limit}::integer)
    ) page
    order by category desc, currency desc
    limit 1
  )
  returning category, currency`;

/** Deletes some of the days that a user has planned. Index: trip_days_pkey. A row for each, at most `limit`. */
export const deleteTripDays = (p: Owned & { limit: number }) => sql<{ day: string }>`
  -- pam.delete_trip_days
  delete from pam.trip_days
  where user_id = ${p.userId}::uuid and day = any (array(
    -- A number that the planner does not see: it would sort all rows of a user who it thinks has few, for each page.
    select day from pam.trip_days where user_id = ${p.userId}::uuid order by day
    limit (select ${p.limit}::integer)
  ))
  returning day`;

/** Deletes how a user counts. Index: settings_pkey. No row. */
export const deleteSettings = (p: Owned) => sql`
  -- pam.delete_settings
  delete from pam.settings where user_id = ${p.userId}::uuid`;
