import { z } from 'zod';
import { editable, Id, Name, Time } from './common.ts';

/**
 * What a token may be used for, within what its person may do: `read` looks, `run` starts and stops runs, `write` changes everything
 * else in projects, `admin` is people, groups, agents and the audit, `metrics` and `calendar` are their one address.
 */
export const TokenScope = z.enum(['read', 'write', 'run', 'admin', 'metrics', 'calendar']);
export type TokenScope = z.infer<typeof TokenScope>;

const DAY_MS = 86_400_000;
/** How long a token lives where nothing is said, and at most. */
export const TOKEN_TTL_MS = 90 * DAY_MS;
export const TOKEN_TTL_MAX_MS = 366 * DAY_MS;
/** How many a person may have. */
export const TOKENS_MAX = 50;

/** What every token begins with, so that scanners of repositories and logs find a lost one. */
export const TOKEN_PREFIX = 'uhub_';

export const ApiToken = z.object({
	id: Id,
	user_id: Id,
	name: z.string(),
	scopes: z.array(TokenScope),
	expires_at: Time,
	/** To the minute; null: never. */
	last_used_at: Time.nullable(),
	...editable,
});
export type ApiToken = z.infer<typeof ApiToken>;

export const ApiTokenCreate = z.strictObject({
	name: Name(80),
	scopes: z
		.array(TokenScope)
		.min(1, 'must name a scope')
		.max(TokenScope.options.length)
		.refine((scopes) => new Set(scopes).size === scopes.length, 'must not name a scope twice'),
	/** Left out: in 90 days. */
	expires_at: Time.optional(),
});
export type ApiTokenCreate = z.infer<typeof ApiTokenCreate>;

/** What a token may do and until when stays as it was made. */
export const ApiTokenPatch = z.strictObject({ name: ApiTokenCreate.shape.name }).partial();
export type ApiTokenPatch = z.infer<typeof ApiTokenPatch>;

/** The token itself is shown this once: the hub keeps its hash. */
export const ApiTokenMade = ApiToken.extend({ token: z.string() });
export type ApiTokenMade = z.infer<typeof ApiTokenMade>;
