import { type Static, Type } from 'typebox';
import { Nullable } from '../../platform/http/index.ts';

/** The number of a job: they are counted, not made by us, and so are not UUIDs. */
const JobId = Type.String({
  pattern: '^[1-9][0-9]{0,14}$',
  description: 'The number of the job, as `GET /admin/jobs` tells it.',
});

/** The path parameters of one job. */
export const JobParams = Type.Object({ job_id: JobId }, { additionalProperties: false });

/** A job that was set aside. */
export const FailedJob = Type.Object(
  {
    id: JobId,
    object: Type.Literal('job'),
    name: Type.String(),
    attempts: Type.Integer(),
    last_error: Nullable(Type.String({ description: 'The code or the name of the last error; the log tells more.' })),
    created_at: Type.String({ format: 'date-time' }),
    failed_at: Type.String({ format: 'date-time' }),
  },
  { title: 'FailedJob' },
);
export type FailedJob = Static<typeof FailedJob>;

/** How many jobs there are. */
export const JobCounts = Type.Object(
  {
    waiting: Type.Integer(),
    running: Type.Integer(),
    failed: Type.Integer(),
    oldest_waiting_seconds: Type.Number({ description: 'For how long the next job has been due.' }),
  },
  { title: 'JobCounts' },
);

export const RetriedJob = Type.Object(
  { id: JobId, object: Type.Literal('job'), status: Type.Literal('waiting') },
  { title: 'RetriedJob' },
);

export const DeletedJob = Type.Object(
  { id: JobId, object: Type.Literal('job'), deleted: Type.Literal(true) },
  { title: 'DeletedJob' },
);
