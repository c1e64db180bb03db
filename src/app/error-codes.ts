import type { CatalogueEntry } from '../base/errors.ts';
import { idempotencyErrors, signInErrors } from '../core/accounts/index.ts';
import { chatErrors } from '../core/chat/index.ts';
import { authErrors, keyErrors } from '../core/keys/index.ts';
import { modelErrors } from '../core/models/index.ts';
import { notificationErrors } from '../core/notifications/index.ts';
import { limitErrors, planErrors, usageErrors } from '../core/plans/index.ts';
import { httpErrors } from '../platform/http/index.ts';
import { jobErrors } from '../platform/jobs/index.ts';
import { postgresErrors } from '../platform/postgres/index.ts';
import { telemetryErrors } from '../platform/telemetry/index.ts';

/** Every error that a caller of this server may meet. */
export const errorCodes: readonly CatalogueEntry[] = [
  authErrors,
  chatErrors,
  httpErrors,
  idempotencyErrors,
  jobErrors,
  keyErrors,
  limitErrors,
  modelErrors,
  notificationErrors,
  planErrors,
  postgresErrors,
  signInErrors,
  telemetryErrors,
  usageErrors,
].flatMap((errors) => errors.catalogue);
