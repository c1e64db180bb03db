import type { AssistantContext } from '../../kit/index.ts';
import { todayIn } from './days.ts';
import { pamErrors } from './errors.ts';
import { knownCurrency } from './money.ts';
import { findSettings, putSettings, type SettingsRow } from './queries.ts';
import type { Settings } from './schemas.ts';

const defaults: SettingsRow = { currency: 'EUR', time_zone: 'UTC', language: null };

const toSettings = ({ currency, time_zone, language }: SettingsRow): Settings => {
  return { object: 'pam.settings', currency, time_zone, language };
};

/** How the user counts: as set, else in euro and UTC. */
export async function getSettings(context: AssistantContext): Promise<Settings> {
  const [row] = await context.query(findSettings, {});
  return toSettings(row ?? defaults);
}

/**
 * Sets how the user counts.
 * @throws AppError 400 `pam.unknown_currency`, `pam.unknown_time_zone`.
 */
export async function setSettings(settings: SettingsRow, context: AssistantContext): Promise<Settings> {
  const { time_zone: timeZone, language } = settings;
  try {
    todayIn(timeZone, context.clock.now());
  } catch (cause) {
    throw pamErrors.raise.unknown_time_zone({ cause, param: 'time_zone' });
  }
  await context.query(putSettings, { currency: knownCurrency(settings.currency), timeZone, language });
  return toSettings(settings);
}
