import { z } from 'zod';
import { Id, Time } from './common.ts';

export const ActorKind = z.enum(['user', 'token', 'agent', 'system']);
export type ActorKind = z.infer<typeof ActorKind>;

export const AuditLog = z.object({
	id: Id,
	timestamp: Time,
	user_id: Id.nullable(),
	action: z.string(),
	object_type: z.string(),
	object_id: Id.nullable(),
	metadata: z.record(z.string(), z.unknown()),
	project_id: Id.nullable(),
	actor_kind: ActorKind,
	/** The agent's or token's id; null for people and for the system. */
	actor_id: Id.nullable(),
	ip: z.string().nullable(),
	request_id: z.string(),
	/** Null until the row is sealed into the chain, moments after it was written. */
	prev_hash: z.string().nullable(),
	hash: z.string().nullable(),
});
export type AuditLog = z.infer<typeof AuditLog>;

/** A link of the audit's chain: the row it seals, and its hash. */
export interface AuditLink {
	audit_id: number;
	hash: string;
}

/** Rows `id` to `to_id` were sealed otherwise once. */
export interface AuditRewind {
	id: number;
	to_id: number;
}

/** What is wrong with the chain, and from which row on. */
export const AuditFault = z.object({
	/**
	 * `altered`: the row is not what was sealed. `relinked`: its link does not name the one before it. `missing`: rows `id` to
	 * `to_id` are gone. `unsealed`: rows that lie before the last link and have none. `rewound`: the chain once went as far as `to_id`
	 * with other links, and was written anew from `id` on.
	 */
	kind: z.enum(['altered', 'relinked', 'missing', 'unsealed', 'rewound']),
	id: Id,
	to_id: Id,
});
export type AuditFault = z.infer<typeof AuditFault>;

/** A part of the chain, followed link by link. All is well when every part says `faults: []`. */
export const AuditVerified = z.object({
	/** How many sealed rows this part looked at. */
	checked: z.int(),
	/** In order, at most 100 in a part: the first is where to look. */
	faults: z.array(AuditFault),
	/** Rows behind the last link: the next minute seals them. */
	tail: z.int(),
	/** The last link of this part. Noted elsewhere, it shows later that nothing up to it was written anew. */
	head: z.object({ id: Id, hash: z.string() }).nullable(),
	/** How many rows there are up to the end of the chain, to tell how far this part came. */
	last_id: z.int(),
	/** Where the next part begins; null: this was the last. */
	next_cursor: z.string().nullable(),
});
export type AuditVerified = z.infer<typeof AuditVerified>;
