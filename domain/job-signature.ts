import { z } from 'zod';
import { Id, Sha256, Time } from './common.ts';

/** What `uhub-agent sign` makes of a job's template. */
export const Signature = z.strictObject({
	/** Ed25519, raw, base64url. */
	key: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected a public key, as uhub-agent sign prints it'),
	value: z.string().regex(/^[A-Za-z0-9_-]{86}$/, 'expected a signature, as uhub-agent sign prints it'),
	/** Grows with each signature of a job in an environment. */
	serial: z.int().min(1),
	not_after: Time.nullable(),
});
export type Signature = z.infer<typeof Signature>;

/** What is to be signed: the job as it would run in an environment now. */
export const JobTemplate = z.object({
	/** The hub's origin, as the one who asks reaches it. */
	hub: z.string(),
	environment_id: Id.nullable(),
	/** The number of the next signature. */
	serial: z.int().min(1),
	template_sha256: Sha256,
	template: z.record(z.string(), z.unknown()),
});
export type JobTemplate = z.infer<typeof JobTemplate>;

/** That a job was signed for an environment; null: for runs in none. */
export const JobSignature = z.object({
	environment_id: Id.nullable(),
	key: z.string(),
	serial: z.int(),
	not_after: Time.nullable(),
	signed_at: Time,
	/** What was signed is what would run now. Agents that ask for signatures refuse everything else. */
	current: z.boolean(),
});
export type JobSignature = z.infer<typeof JobSignature>;

/**
 * The one line that signs a job as it is now: the template goes to whoever has the key, and what it made goes to the hub.
 * `environment_id` null: where the job runs unless a run says otherwise.
 */
export function signCommand(job_id: number, environment_id: number | null): string {
	const job = environment_id === null ? String(job_id) : `${String(job_id)} --env ${String(environment_id)}`;
	return `uhub jobs template ${job} | uhub-agent sign --key signing.pem | uhub jobs sign ${job}`;
}
