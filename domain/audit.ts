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
