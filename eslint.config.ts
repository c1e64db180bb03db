import safeql from '@ts-safeql/eslint-plugin/config';
import parser from '@typescript-eslint/parser';
import type { Linter } from 'eslint';

// Biome lints the code. ESLint is here for one thing: it asks a migrated database for the types of each statement's
// parameters and row, and compares them with what TypeScript says. `npm run check:sql` starts that database.
const databaseUrl = process.env.CHECK_SQL_DATABASE_URL;
if (databaseUrl === undefined) throw new Error('run "npm run check:sql", which starts the database that ESLint asks');

const config: Linter.Config[] = [
  {
    files: ['src/**/queries.ts'],
    languageOptions: {
      parser: parser as Linter.Parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
  },
  // Its declared type and ESLint's differ in nothing but `undefined`.
  safeql.configs.connections({
    databaseUrl,
    targets: [{ tag: 'sql', transform: '{type}' }],
    // As src/platform/postgres/type-parsers.ts makes them.
    overrides: {
      types: {
        int8: 'number',
        uuid: 'string',
        timestamptz: 'Date',
        json: 'unknown',
        date: 'string',
        jsonb: 'unknown',
        bytea: { parameter: { regex: 'Buffer(<ArrayBufferLike>)?' }, return: 'Buffer' },
      },
    },
  }) as Linter.Config,
];

export default config;
