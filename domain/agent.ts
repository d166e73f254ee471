import { z } from 'zod';
import { editable, Id, Name, Time } from './common.ts';
import { Labels } from './labels.ts';

export const AgentStatus = z.enum(['pending', 'online', 'offline', 'quarantined', 'revoked']);
export type AgentStatus = z.infer<typeof AgentStatus>;

/** What an agent says it can do, as it found it on its host: a tool's name and version. */
export const Abilities = z.strictObject({
	backends: z.array(z.string().max(40)).max(20),
	tools: z.record(z.string().max(40), z.string().max(100)),
});
export type Abilities = z.infer<typeof Abilities>;

export const HostReport = z.strictObject({
	snapshot_time: Time,
	cpu_cores: z.int().min(1).max(65_536),
	cpu_load_1m: z.number().min(0).max(1e6),
	cpu_load_5m: z.number().min(0).max(1e6),
	cpu_load_15m: z.number().min(0).max(1e6),
	ram_total_gib: z.number().min(0).max(1e9),
	ram_used_gib: z.number().min(0).max(1e9),
	disk_path: z.string().max(1024),
	disk_total_gib: z.number().min(0).max(1e12),
	disk_used_gib: z.number().min(0).max(1e12),
	disk_free_gib: z.number().min(0).max(1e12),
});
export type HostReport = z.infer<typeof HostReport>;

/** Why an agent was turned away when it came: what its operator, or an admin, has to see to. */
export const AgentRefusal = z.strictObject({
	code: z.enum([
		'protocol', // it speaks a protocol that this hub does not
		'signature', // who came does not hold its key, or came by another address than the hub's
		'not_confirmed',
		'quarantined',
		'revoked',
		'key_in_two_places',
	]),
	message: z.string().max(500),
	at: Time,
});
export type AgentRefusal = z.infer<typeof AgentRefusal>;

export const Agent = z.object({
	id: Id,
	name: z.string(),
	/** Ed25519, raw, base64url. */
	public_key: z.string(),
	/** SHA-256 of the public key, for people to compare. */
	fingerprint: z.string(),
	labels: Labels,
	/** The projects it serves; null: every one. */
	project_ids: z.array(Id).nullable(),
	capacity: z.int().min(1).max(1000),
	agent_version: z.string(),
	abilities: Abilities.nullable(),
	host: HostReport.nullable(),
	last_seen_at: Time.nullable(),
	status: AgentStatus,
	/** It finishes what it has, and is offered nothing new. */
	draining: z.boolean(),
	/** Null where it came in the last time it came. */
	refusal: AgentRefusal.nullable(),
	/** How many runs it has been given and has not ended. */
	busy: z.int().min(0),
	...editable,
});
export type Agent = z.infer<typeof Agent>;

export const EnrolmentCreate = z.strictObject({
	project_ids: z.array(Id).min(1).max(200).nullable().default(null),
	labels: Labels.default({}),
});
export type EnrolmentCreate = z.infer<typeof EnrolmentCreate>;

/** Shown once: the hub keeps only the token's hash. */
export const Enrolment = z.object({ id: Id, token: z.string(), expires_at: Time });
export type Enrolment = z.infer<typeof Enrolment>;

/** What an agent sends to enrol; `signature` proves that it holds the key. */
export const EnrolRequest = z.strictObject({
	token: z.string().regex(/^uhe_[A-Za-z0-9_-]{43}$/, 'expected an enrolment token (uhe_…)'),
	name: Name(60),
	public_key: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected a raw Ed25519 public key in base64url'),
	signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/, 'expected an Ed25519 signature in base64url'),
	labels: Labels.default({}),
	capacity: z.int().min(1).max(1000).default(4),
	version: z.string().max(40),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

export const EnrolAnswer = z.object({ agent_id: Id, status: AgentStatus, fingerprint: z.string() });

export const AgentPatch = z
	.strictObject({
		name: Name(60),
		labels: Labels,
		capacity: z.int().min(1).max(1000),
		project_ids: z.array(Id).min(1).max(200).nullable(),
		draining: z.boolean(),
	})
	.partial();
export type AgentPatch = z.infer<typeof AgentPatch>;

export const ENROLMENT_TTL_MS = 3_600_000;
