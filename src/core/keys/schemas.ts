import { type Static, Type } from 'typebox';
import { Nullable } from '../../platform/http/index.ts';
import { type Permission, permissions } from './permissions.ts';

const PermissionList = Type.Array(Type.Unsafe<Permission>(Type.String({ enum: [...permissions] })), {
  uniqueItems: true,
  maxItems: permissions.length,
  description: 'What the key may do; at most what the key that makes it may do.',
});

const ExpiresAt = Nullable(
  Type.String({
    format: 'date-time',
    description: 'When it stops working; null for never. At most when the key that sets it stops.',
  }),
);

const IpAllowlist = Nullable(
  Type.Array(Type.String({ format: 'network' }), {
    minItems: 1,
    maxItems: 100,
    description:
      'The addresses and networks that the key may be used from; null for any. Within those of the key that sets them.',
  }),
);

/** What a key is called, of 1 to 100 characters. */
export const KeyName = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'What the key is for, in your words.',
});

/** The path of one key. */
export const KeyParams = Type.Object(
  { key_id: Type.String({ format: 'uuid', description: 'The id of the key.' }) },
  { additionalProperties: false },
);

/** A key as it is shown; the secret itself is not part of it. */
export const Key = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    object: Type.Literal('api_key'),
    name: Type.String(),
    prefix: Type.String({ description: 'How the key begins, by which you recognise it.' }),
    permissions: Type.Array(Type.String()),
    ip_allowlist: Nullable(Type.Array(Type.String())),
    created_at: Type.String({ format: 'date-time' }),
    expires_at: Nullable(Type.String({ format: 'date-time' })),
    last_used_at: Nullable(
      Type.String({ format: 'date-time', description: 'When it was last used, to about a minute.' }),
    ),
  },
  { title: 'ApiKey' },
);

/** A new key, with the secret: the only time that it is shown, for it is not stored. A replay cannot show it again. */
export const CreatedKey = Type.Object(
  {
    ...Key.properties,
    key: Nullable(
      Type.String({
        description:
          'The key itself. It is shown this once; only its hash is stored. So the answer to a repeated Idempotency-Key ' +
          'has null here: when the first answer was lost, rotate the key.',
      }),
    ),
  },
  { title: 'CreatedApiKey' },
);

/** The body of `POST /v1/keys`. */
export const CreateKey = Type.Object(
  {
    name: KeyName,
    permissions: Type.Optional(PermissionList),
    expires_at: Type.Optional(ExpiresAt),
    ip_allowlist: Type.Optional(IpAllowlist),
  },
  { additionalProperties: false, examples: [{ name: 'my program' }] },
);

/** The body of `PATCH /v1/keys/{key_id}`. */
export const UpdateKey = Type.Object(
  {
    name: Type.Optional(KeyName),
    permissions: Type.Optional(PermissionList),
    expires_at: Type.Optional(ExpiresAt),
    ip_allowlist: Type.Optional(IpAllowlist),
  },
  { additionalProperties: false, minProperties: 1, examples: [{ name: 'my other program' }] },
);

/** The body of `POST /v1/keys/{key_id}/rotate`. */
export const RotateKey = Type.Object(
  {
    overlap_seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_592_000,
        description: 'How long the old key goes on beside the new one; a day when absent.',
      }),
    ),
  },
  { additionalProperties: false, examples: [{ overlap_seconds: 86_400 }] },
);

/** What a deleted key leaves behind. */
export const DeletedKey = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    object: Type.Literal('api_key'),
    deleted: Type.Literal(true),
  },
  { title: 'DeletedApiKey' },
);

export type Key = Static<typeof Key>;

export type CreatedKey = Static<typeof CreatedKey>;

/** What the cache of callers holds and did, on the server that answers. */
export const CacheStatistics = Type.Object(
  {
    cached_users: Type.Integer(),
    cache_size_bytes: Type.Integer({ description: 'An estimate of the memory that it takes.' }),
    ttl_seconds: Type.Number(),
    hits: Type.Integer(),
    misses: Type.Integer(),
    hit_rate: Type.Number({ description: 'From 0 to 1; 0 before the first request.' }),
    evictions: Type.Integer({ description: 'Callers forgotten because there were too many.' }),
  },
  { title: 'CacheStatistics' },
);

export type CacheStatistics = Static<typeof CacheStatistics>;
