import { plainLine } from '#domain/common.ts';
import { MAIL_DETAIL_MAX, type Mailed, type MailError } from '#domain/mail.ts';
import type { MailText } from '#domain/mail-text.ts';
import type { DeliveryError } from '#domain/webhook.ts';
import { type Outside, post } from '../webhooks/send.ts';

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** A provider's HTTP API: where a mail is posted to, and what of it stands where. */
export interface Provider {
	url: string;
	key: string;
	from: string;
	template: { headers: Record<string, string>; body: Json };
}

/** What many providers take: a key as a bearer, and the mail as one flat object. */
export const STANDARD: Provider['template'] = {
	headers: { authorization: 'Bearer {{key}}', 'idempotency-key': '{{id}}' },
	body: {
		from: '{{from}}',
		to: ['{{to}}'],
		subject: '{{subject}}',
		text: '{{text}}',
		html: '{{html}}',
		headers: { 'Message-ID': '{{message_id}}', 'List-Unsubscribe': '<{{preferences}}>' },
	},
};

/** Each text in it with its names replaced. What comes in their place is never read as part of the template. */
export function filled(template: Json, values: Readonly<Record<string, string>>): Json {
	if (typeof template === 'string')
		return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) =>
			Object.hasOwn(values, name) ? (values[name] ?? '') : '',
		);
	if (Array.isArray(template)) return template.map((part) => filled(part, values));
	if (template === null || typeof template !== 'object') return template;
	return Object.fromEntries(Object.entries(template).map(([name, part]) => [name, filled(part, values)]));
}

/** Hands one mail to the provider. */
export async function sendByProvider(
	{ url, key, from, template }: Provider,
	outside: Outside,
	mail: MailText & { to: string; id: string; message_id: string },
	now: () => number,
): Promise<Mailed> {
	const values = { ...mail, key, from };
	const headers = Object.entries(template.headers).map(([name, text]) => [name, String(filled(text, values))]);
	const body = JSON.stringify(filled(template.body, values));
	const { error, status, excerpt } = await post(outside, url, Object.fromEntries(headers), body, now);
	if (error === null) return { error: null, detail: '' };
	// A provider may repeat what it was sent.
	const said = excerpt.replaceAll(key, '***');
	const detail = plainLine([status, said].filter((part) => part !== null && part !== '').join(' '), MAIL_DETAIL_MAX);
	return { error: errorOf(error, status), detail };
}

function errorOf(error: DeliveryError, status: number | null): MailError {
	if (status === 401 || status === 403) return 'auth';
	return error === 'timeout' || error === 'unreachable' ? error : 'refused';
}
