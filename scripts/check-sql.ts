import { ESLint } from 'eslint';
import { Client } from 'pg';
import { startTemporaryPostgres } from '../test/harness/start-postgres.ts';

// Checks the types of every statement in src/**/queries.ts against the migrated schema. Exit code 1 when one is wrong.

const postgres = await startTemporaryPostgres();
try {
  // Not of our schema, but read when it is there.
  const client = new Client({ connectionString: postgres.templateUrl });
  await client.connect();
  await client.query('create extension pg_stat_statements');
  await client.end();
  process.env.CHECK_SQL_DATABASE_URL = postgres.templateUrl;
  const { default: overrideConfig } = await import('../eslint.config.ts');
  const eslint = new ESLint({ overrideConfigFile: true, overrideConfig, errorOnUnmatchedPattern: false });
  const results = await eslint.lintFiles('src/**/queries.ts');
  const { format } = await eslint.loadFormatter('stylish');
  const report = await format(results);
  if (report !== '') console.error(report);
  const isWrong = results.some(({ errorCount, warningCount }) => errorCount + warningCount > 0);
  if (!isWrong) console.log(`SQL of ${results.length} files agrees with the schema`);
  process.exitCode = isWrong ? 1 : 0;
} finally {
  await postgres.stop();
}
// The plugin's worker holds on to its connections.
process.exit();
