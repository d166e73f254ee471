import { z } from 'zod';
import { isAllowedAddress } from '#domain/webhook-address.ts';
import { type Json, type Provider, STANDARD } from './provider.ts';

/** What the hub's operator says of mails, by the names of its variables. All of them text, none of them needed. */
export interface MailEnv {
	UHUB_MAIL_URL?: string;
	UHUB_MAIL_KEY?: string;
	UHUB_MAIL_FROM?: string;
	UHUB_MAIL_TEMPLATE?: string;
	UHUB_MAIL_AGENT?: string;
}

/** How mails leave, and where the hub's pages are that they lead to. */
export type MailWay = { hub: string } & ({ kind: 'provider'; provider: Provider } | { kind: 'agent'; agent: string });

export interface MailSettings {
	way: MailWay | null;
	/** What is wrong with them, for the operator. With any, no mail leaves. */
	problems: string[];
}

const line = (max: number) =>
	z
		.string()
		.max(max)
		.regex(/^\P{Cc}+$/u, 'expected one line');

const Template = z
	.string()
	.max(10_000)
	.transform((text, ctx): unknown => {
		try {
			return JSON.parse(text);
		} catch {
			ctx.addIssue({ code: 'custom', message: 'expected JSON' });
			return z.NEVER;
		}
	})
	.pipe(
		z.strictObject({
			headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,60}$/, 'expected the name of a header'), line(1000)),
			body: z.json().transform((body): Json => body),
		}),
	);

const Env = z.strictObject({
	UHUB_MAIL_URL: z.url({ protocol: /^https?$/, error: 'expected the address of the provider’s API' }).max(2048),
	UHUB_MAIL_KEY: z.string({ error: 'is needed beside UHUB_MAIL_URL' }).pipe(line(1000)),
	UHUB_MAIL_FROM: z
		.string({ error: 'is needed beside UHUB_MAIL_URL' })
		.pipe(line(320).regex(/^([^<>@"]+ <[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/, 'expected uHub <hub@example.org>')),
	UHUB_MAIL_TEMPLATE: Template.optional(),
});
/** The name of the agent that passes them on. */
const Agent = line(60);

/** The names the operator may use; the launcher passes these on and no others. */
export const MAIL_NAMES = [...Object.keys(Env.shape), 'UHUB_MAIL_AGENT'];

/** Reads the settings. Where something is wrong, no mail leaves. */
export function mailSettings(all: MailEnv, hub: string | null, networks: readonly string[]): MailSettings {
	const given = Object.fromEntries(
		MAIL_NAMES.flatMap((name) => {
			const value: unknown = Reflect.get(all, name);
			return typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()]] : [];
		}),
	);
	const off = (...problems: string[]): MailSettings => ({ way: null, problems });
	const [first] = Object.keys(given);
	if (first === undefined) return off();
	if (hub === null || !/^https?:$/.test(URL.parse(hub)?.protocol ?? ''))
		return off('UHUB_PUBLIC_URL: is needed for e-mails, which lead to the hub’s pages');
	const { origin } = new URL(hub);
	if (given.UHUB_MAIL_AGENT !== undefined) {
		const other = Object.keys(given).find((name) => name !== 'UHUB_MAIL_AGENT');
		if (other !== undefined) return off(`${other}: has no meaning beside UHUB_MAIL_AGENT: set one of them`);
		const { data: agent } = Agent.safeParse(given.UHUB_MAIL_AGENT);
		return agent === undefined
			? off('UHUB_MAIL_AGENT: expected the name of an agent')
			: { way: { hub: origin, kind: 'agent', agent }, problems: [] };
	}
	if (given.UHUB_MAIL_URL === undefined) return off(`${first}: has no meaning without UHUB_MAIL_URL`);

	const read = Env.safeParse(given);
	if (!read.success) return off(...read.error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`));
	const { UHUB_MAIL_URL: url, UHUB_MAIL_KEY: key, UHUB_MAIL_FROM: from, UHUB_MAIL_TEMPLATE: template } = read.data;
	if (!isAllowedAddress(url, networks))
		return off('UHUB_MAIL_URL: must lead to the open internet by https, or into a network of UHUB_WEBHOOK_NETWORKS');
	const provider = { url, key, from, template: template ?? STANDARD };
	return { way: { hub: origin, kind: 'provider', provider }, problems: [] };
}
