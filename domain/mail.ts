import { z } from 'zod';
import { Id, Time } from './common.ts';

/** Why a mail did not leave, or not yet. */
export const MailError = z.enum([
	'no_address', // its person has none, or none that was confirmed
	'not_allowed', // its person may no longer see what it would tell
	'no_agent', // the agent that is to pass it on is away, or does not pass mails on
	'policy', // the agent's policy does not let it through
	'recipient', // the server does not take it for that address
	'auth', // the server or the provider does not let the hub in
	'tls', // the connection is not as safe as it must be
	'refused', // the server or the provider does not take it
	'unreachable',
	'timeout',
	'uncertain', // it was handed over, and nobody knows whether it was taken: it is not sent again
	'busy',
]);
export type MailError = z.infer<typeof MailError>;

/** What trying again does not mend. */
export const finalMailErrors: ReadonlySet<MailError> = new Set(['no_address', 'not_allowed', 'recipient', 'uncertain']);

/** What came of a try. */
export const Mailed = z.object({ error: MailError.nullable(), detail: z.string() });
export type Mailed = z.infer<typeof Mailed>;
export const MAIL_DETAIL_MAX = 300;

export const MailAttempt = z.object({ at: Time, ...Mailed.shape });
export type MailAttempt = z.infer<typeof MailAttempt>;

export const MailStatus = z.enum(['pending', 'sent', 'failed']);
export type MailStatus = z.infer<typeof MailStatus>;

/** A mail to a person, as they see it. */
export const Mail = z.object({
	id: Id,
	status: MailStatus,
	/** The latest of them. */
	attempts: z.array(MailAttempt),
	/** When it is tried next; null when it is over. */
	next_at: Time.nullable(),
	created_at: Time,
});
export type Mail = z.infer<typeof Mail>;

/** Whether a person can be sent mails, and the latest of them. */
export const MailState = z.object({
	/** The hub sends mails. */
	ready: z.boolean(),
	address: z.string().nullable(),
	/** An admin or an identity provider gave it, or they followed the link that was sent there. */
	confirmed: z.boolean(),
	latest: z.array(Mail),
});
export type MailState = z.infer<typeof MailState>;

/** How mails leave the hub, and what did not, for its admins. */
export const MailHealth = z.object({
	way: z.enum(['provider', 'agent']).nullable(),
	/** What is wrong with the settings. */
	problems: z.array(z.string()),
	waiting: z.int().min(0),
	failed_last_day: z.int().min(0),
	/** The latest whose last try failed. */
	failures: z.array(z.object({ id: Id, username: z.string(), status: MailStatus, ...MailAttempt.shape })),
});

/** What the link in a mail carries that proves an address. */
export const MailToken = z.string().regex(/^[A-Za-z0-9_-]{20,1000}$/, 'expected what the link in the mail carries');
export const MailConfirm = z.strictObject({ token: MailToken });
