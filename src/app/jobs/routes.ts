import { Type } from 'typebox';
import { actorOf, claimAndAnswer } from '../../core/accounts/index.ts';
import {
  Cursor,
  decodeCursor,
  encodeCursor,
  type HttpServer,
  ListOf,
  PageLimit,
  placePart,
  toPage,
} from '../../platform/http/index.ts';
import { type FailedJobRow, type Jobs, jobErrors, listFailedJobs } from '../../platform/jobs/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { deleteJob, retryJob } from './queries.ts';
import { DeletedJob, FailedJob, JobCounts, JobParams, RetriedJob } from './schemas.ts';

/** What the routes of jobs need. */
export interface JobRouteOptions {
  readonly database: Database;
  readonly jobs: Jobs;
}

const ACCESS = 'admin';
const tags = ['Operating'];
const CURSOR_SCOPE = 'jobs';

function toFailedJob(row: FailedJobRow): FailedJob {
  return {
    id: String(row.id),
    object: 'job',
    name: row.name,
    attempts: row.attempts,
    last_error: row.last_error,
    created_at: row.created_at.toISOString(),
    failed_at: row.failed_at.toISOString(),
  };
}

/** `GET /admin/jobs`. */
function registerList(server: HttpServer, { database, jobs }: JobRouteOptions): void {
  server.get(
    '/admin/jobs',
    {
      config: { access: ACCESS },
      schema: {
        tags,
        operationId: 'listFailedJobs',
        summary: 'List the jobs that were set aside after their attempts, and count all',
        description: 'Newest first, without what they are about. Each count ends at 10,000.',
        querystring: Type.Object(
          { limit: PageLimit({ default: 50, maximum: 1000 }), cursor: Type.Optional(Cursor) },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({ ...ListOf(FailedJob).properties, counts: JobCounts }, { title: 'FailedJobList' }),
        },
      },
    },
    async ({ query: { limit, cursor }, context }) => {
      const [beforeId = null] = decodeCursor(CURSOR_SCOPE, cursor, [placePart.bigint]);
      const [rows, counts] = await Promise.all([
        database.query(listFailedJobs({ beforeId, limit: limit + 1 }), context),
        jobs.stats(context),
      ]);
      const page = toPage(rows, limit, { item: toFailedJob, cursor: (row) => encodeCursor(CURSOR_SCOPE, [row.id]) });
      return { ...page, counts };
    },
  );
}

/** `POST /admin/jobs/{job_id}/retry` and `DELETE /admin/jobs/{job_id}`. */
function registerChanges(server: HttpServer, { database }: JobRouteOptions): void {
  server.post(
    '/admin/jobs/:job_id/retry',
    {
      config: { access: ACCESS },
      schema: {
        tags,
        operationId: 'retryJob',
        summary: 'Have a job start anew, now',
        params: JobParams,
        response: { 200: RetriedJob },
      },
    },
    async (request, reply) =>
      await claimAndAnswer({ request, reply, database }, async () => {
        const { params, caller, context } = request;
        const { job_id: id } = params;
        const [job] = await database.query(retryJob({ ...actorOf(caller), id: Number(id) }), context);
        if (job === undefined) throw jobErrors.raise.not_found();
        return { id, object: 'job' as const, status: 'waiting' as const };
      }),
  );

  server.delete(
    '/admin/jobs/:job_id',
    {
      config: { access: ACCESS },
      schema: {
        tags,
        operationId: 'deleteJob',
        summary: 'Delete a job that does not run',
        params: JobParams,
        response: { 200: DeletedJob },
      },
    },
    async ({ params, caller, context }) => {
      const [job] = await database.query(deleteJob({ ...actorOf(caller), id: Number(params.job_id) }), context);
      if (job === undefined) throw jobErrors.raise.not_found();
      return { id: params.job_id, object: 'job' as const, deleted: true as const };
    },
  );
}

/** Registers the routes under `/admin/jobs`. */
export function registerJobRoutes(server: HttpServer, options: JobRouteOptions): void {
  registerList(server, options);
  registerChanges(server, options);
}
