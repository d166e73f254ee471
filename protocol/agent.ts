import { z } from 'zod';
import { Abilities, HostReport } from '#domain/agent.ts';
import { Id, Sha256, Time } from '#domain/common.ts';
import { Labels } from '#domain/labels.ts';
import { MAIL_DETAIL_MAX, MailError } from '#domain/mail.ts';
import { Reason } from '#domain/run-reason.ts';

// The frames of /live/agent, text ones. Log chunks and blobs are binary: run-frames.ts. PROTOCOL.md tells the story.

const Epoch = z
	.int()
	.min(0)
	.max(2 ** 32 - 1);
const Seq = z
	.int()
	.min(0)
	.max(2 ** 32 - 1);
const at = { run_id: Id, epoch: Epoch };
const Base64url = z
	.string()
	.max(200)
	.regex(/^[A-Za-z0-9_-]+$/);
/** New at every start of the agent process, 16 random bytes in hexadecimal. */
const BootId = z.string().regex(/^[0-9a-f]{32}$/);

/** What an agent tells of a run it knows, at each hello. */
export const KnownRun = z.strictObject({
	...at,
	/** `not_started`: accepted, never started, and never will be under this epoch. `lost`: started, and not found again. */
	phase: z.enum(['accepted', 'not_started', 'started', 'exited', 'lost']),
	last_seq: Seq,
});
export type KnownRun = z.infer<typeof KnownRun>;

/** `begun`: the request was taken, and its callback tells how it ends. */
export const Outcome = z.enum(['success', 'failed', 'canceled', 'lost', 'begun']);
export type Outcome = z.infer<typeof Outcome>;

/** How a run ended, as its agent saw it. */
export const Finish = z.strictObject({
	type: z.literal('finish'),
	...at,
	outcome: Outcome,
	exit_code: z.int().nullable(),
	reason: Reason.nullable(),
	started_at: Time.nullable(),
	exited_at: Time,
	/** The last chunk's seq (0: none), the log's length in bytes, and the SHA-256 of its bytes, gaps left out. */
	last_seq: Seq,
	bytes: z.int().min(0),
	sha256: Sha256,
	/** The SHA-256 of its chunks' SHA-256s, end to end: then the hub need not hash all of the log itself. Since protocol 3. */
	chunks_sha256: Sha256.optional(),
});
export type Finish = z.infer<typeof Finish>;

export const FromAgent = z.discriminatedUnion('type', [
	z.strictObject({
		type: z.literal('hello'),
		v: z.int(),
		agent_id: Id,
		boot_id: BootId,
		/** Ed25519 over `authMessage`. */
		signature: Base64url,
		version: z.string().max(40),
		labels: Labels,
		capacity: z.int().min(1).max(1000),
		abilities: Abilities,
		runs: z.array(KnownRun).max(1000),
	}),
	z.strictObject({
		type: z.literal('accept'),
		...at,
		need: z.array(Sha256).max(40),
		/** SHA-256 of the token with which the end of a request is told. Only where the spec asks for a callback. */
		callback_sha256: Sha256.optional(),
	}),
	z.strictObject({ type: z.literal('refuse'), ...at, reason: Reason }),
	z.strictObject({ type: z.literal('started'), ...at, at: Time }),
	Finish,
	z.strictObject({
		type: z.literal('heartbeat'),
		runs: z.array(z.strictObject(at)).max(1000),
		host: HostReport.nullable(),
	}),
	/** What became of a mail. */
	z.strictObject({
		type: z.literal('mailed'),
		key: z.uuid(),
		error: MailError.nullable(),
		detail: z.string().max(MAIL_DETAIL_MAX),
	}),
	z.strictObject({ type: z.literal('pong'), nonce: z.string().max(64) }),
]);
export type FromAgent = z.infer<typeof FromAgent>;

export const ToAgent = z.discriminatedUnion('type', [
	/** First frame: 32 random bytes, base64url, and the host the hub was reached as. */
	z.strictObject({
		type: z.literal('challenge'),
		v: z.int(),
		v_min: z.int(),
		challenge: Base64url,
		host: z.string().max(300),
	}),
	/** The hub knows the agent. One entry for each run the agent named. */
	z.strictObject({
		type: z.literal('welcome'),
		heartbeat_s: z.number().min(0.05).max(300),
		lease_s: z.number().min(1).max(3600),
		runs: z
			.array(
				z.strictObject({
					...at,
					/** resume: send from `next_seq` on · grant: it was granted, start it · drop: it is not yours · cancel: stop it · done: the finish is kept, forget it */
					action: z.enum(['resume', 'grant', 'drop', 'cancel', 'done']),
					next_seq: Seq,
				}),
			)
			.max(1000),
	}),
	z.strictObject({ type: z.literal('offer'), epoch: Epoch, spec: z.unknown() }),
	z.strictObject({ type: z.literal('grant'), ...at }),
	z.strictObject({ type: z.literal('withdraw'), ...at }),
	/** Every chunk up to `seq` is durable. */
	z.strictObject({ type: z.literal('ack'), ...at, seq: Seq }),
	z.strictObject({ type: z.literal('cancel'), ...at }),
	/** The finish is durable: journal and spool may go. */
	z.strictObject({ type: z.literal('finished'), ...at }),
	/** Answer to a heartbeat: what each run should be doing. */
	z.strictObject({
		type: z.literal('lease'),
		runs: z.array(z.strictObject({ ...at, desired: z.enum(['run', 'cancel', 'drop']) })).max(1000),
	}),
	/** To be passed on to the mail server of its policy (mail-request.ts); only to an agent that names one among its tools (`smtp`). The same key is the same mail. */
	z.strictObject({ type: z.literal('mail'), key: z.uuid(), mail: z.unknown() }),
	z.strictObject({ type: z.literal('ping'), nonce: z.string().max(64) }),
]);
export type ToAgent = z.infer<typeof ToAgent>;

/** What an agent signs at every connection. Each part is on a line of its own, and none can hold a line break. */
export const authMessage = (a: {
	host: string;
	agent_id: number;
	challenge: string;
	boot_id: string;
}): Uint8Array<ArrayBuffer> =>
	new Uint8Array(
		new TextEncoder().encode(['uhub-agent-auth-v1', a.host, String(a.agent_id), a.challenge, a.boot_id].join('\n')),
	);

/** What an agent signs to enrol: proof that it holds the key it names. */
export const enrolMessage = (e: { token: string; public_key: string }): Uint8Array<ArrayBuffer> =>
	new Uint8Array(new TextEncoder().encode(['uhub-agent-enrol-v1', e.token, e.public_key].join('\n')));
