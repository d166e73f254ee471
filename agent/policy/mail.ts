import { isIP } from 'node:net';
import { z } from 'zod';
import { isLoopback } from '#domain/hub-address.ts';
import { OwnRef } from './own-ref.ts';
import { AbsolutePath } from './paths.ts';

const Host = z
	.string()
	.max(253)
	.refine(
		(text) => isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text),
		'expected the name of a host, or an address',
	);
const Domain = z
	.string()
	.max(253)
	.toLowerCase()
	.regex(
		/^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
		'expected a domain as example.org, or *.example.org for those below it',
	);
const Origin = z
	.string()
	.max(300)
	.refine((text) => URL.canParse(text) && new URL(text).origin === text.replace(/\/$/, ''), 'expected https://host')
	.transform((text) => new URL(text).origin);

/** The mail server that this agent passes the hub's mails to, and for whom. */
export const MailPolicy = z
	.strictObject({
		host: Host,
		port: z.int().min(1).max(65_535).default(587),
		/** starttls and tls: or not at all. none: only to this very machine. */
		security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
		/** Who signed its certificate; left out: whoever this host trusts. */
		ca: AbsolutePath.nullable().default(null),
		/** The name its certificate must have, where that is not the host's. */
		server_name: Host.nullable().default(null),
		from: z.email('expected an e-mail address').max(200),
		/** Where the agent finds what it signs in with. */
		user: OwnRef.nullable().default(null),
		password: OwnRef.nullable().default(null),
		/** Whose addresses may be written to. */
		domains: z.array(Domain).min(1).max(200),
		/** Where mails may lead to; left out: the hub as the agent was enrolled with it. */
		hub: Origin.nullable().default(null),
		per_hour: z.int().min(1).max(5_000).default(200),
	})
	.refine((p) => (p.user === null) === (p.password === null), {
		path: ['password'],
		message: 'goes together with user: set both or neither',
	})
	.refine((p) => p.security !== 'none' || isLoopback(p.host) || p.host === '::1', {
		path: ['security'],
		message: 'must be starttls or tls: only a server on this very machine is spoken to without',
	});
export type MailPolicy = z.infer<typeof MailPolicy>;

/** What the policy has against a mail; null: nothing. `hub`: where the mail leads, `own`: the hub the agent was enrolled with. */
export function mailRefusal({ to, hub }: { to: string; hub: string }, policy: MailPolicy, own: string): string | null {
	const domain = to.slice(to.lastIndexOf('@') + 1).toLowerCase();
	const allowed = policy.domains.some((one) => (one.startsWith('*.') ? domain.endsWith(one.slice(1)) : domain === one));
	if (!allowed) return `does not allow mails to ${domain} (mail.domains)`;
	const leads = policy.hub ?? own;
	return hub === leads ? null : `lets mails lead to ${leads} only, not to ${hub} (mail.hub)`;
}

/** For `policy check`. */
export const sayMail = (policy: MailPolicy | null): string[] =>
	policy
		? [
				`the hub's mails: by ${policy.host}:${String(policy.port)} (${policy.security}) from ${policy.from} to ${policy.domains.join(', ')}, ${String(policy.per_hour)} an hour`,
			]
		: [];
