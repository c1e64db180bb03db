import { expect, test } from 'vitest';
import { openJobDatabase, startWorkers } from '../../../test/harness/job-fixture.ts';

test('workers that are stopped while they start are stopped all the same, and leave no connection', async () => {
  const own = await openJobDatabase();
  await startWorkers(own, []).stop();
  const connections = `select from pg_stat_activity
    where application_name = 'evenkeel jobs' and datname = current_database()`;
  await expect.poll(async () => (await own.client.query(connections)).rowCount).toBe(0);
});
