import { INSUFFICIENT_PRIVILEGE, READ_ONLY_TRANSACTION, sqlState } from '../platform/postgres/index.ts';

const alreadyThere =
  'If the database has something of another program, give Evenkeel one of its own; if the migration is yours, let it make ' +
  'nothing that an earlier one has made.';
/** What to do about a database that is read-only. */
export const TAKE_WRITES =
  'Set DATABASE_URL to the primary, or reset default_transaction_read_only by "alter database" or "alter role".';
const UNKNOWN_ISSUER =
  'Add sslrootcert=<file> with the certificate of its issuer to the URL; sslmode=no-verify trusts whoever answers.';

/** By SQLSTATE, or by the code of an error of TLS. */
const adviceByCode: Readonly<Record<string, string>> = {
  '22P05': `The database does not keep every character: make one with encoding 'UTF8'.`,
  [READ_ONLY_TRANSACTION]: TAKE_WRITES,
  '3F000':
    'Evenkeel keeps its tables in the schema public: make it by "create schema public". An assistant has one of its own, which ' +
    'its first migration makes.',
  [INSUFFICIENT_PRIVILEGE]:
    'Let the owner of the tables grant this role what docs/guides/from-one-machine-to-many.md lists, or put the owner in DATABASE_URL.',
  '42P06': alreadyThere,
  '42P07': alreadyThere,
  '53100': 'Make room on the disk of the database.',
  '53300':
    'End connections of others, raise max_connections or the limit of the role, or lower DATABASE_POOL_SIZE and ' +
    'DATABASE_POOL_OVERFLOW of servers that run.',
  CERT_HAS_EXPIRED: "Renew the database's certificate; if it is a new one, see that this machine's clock is right.",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_ISSUER,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'Put a name of its certificate as the host into the URL, or that host into its certificate.',
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_ISSUER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_ISSUER,
};

/** Of what has no code, or one that says less. */
const adviceByMessage: readonly (readonly [RegExp, string])[] = [
  [
    /^The server does not support SSL connections$/,
    'Set sslmode=disable in the URL where the way to the database is safe without TLS; else turn TLS on in the database.',
  ],
  [
    /client password must be a string$/,
    'The database wants a password: put it into the URL, percent-encoded, after the user and a colon.',
  ],
  [
    /^(?:no pg_hba\.conf entry|pg_hba\.conf rejects connection) .*no encryption$/,
    'The database wants TLS: add sslmode=verify-full to the URL.',
  ],
];

/** What to do about an error of the database, for who starts or looks at a server; undefined when we know nothing to add. */
export function adviseOnDatabase(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = sqlState(error) ?? (error as NodeJS.ErrnoException).code ?? '';
  const [, byMessage] = adviceByMessage.find(([pattern]) => pattern.test(error.message)) ?? [];
  return byMessage ?? adviceByCode[code] ?? adviseOnDatabase(error.cause);
}
