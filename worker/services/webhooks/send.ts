import { type DeliveryAttempt, type DeliveryError } from '#domain/webhook.ts';
import { isAllowedAddress } from '#domain/webhook-address.ts';
import { signed } from './sign.ts';

/** A receiver has so long to take it and to answer. */
const PATIENCE_MS = 10_000;
/** Of the answer, so many bytes are read, and so many characters kept. */
const READ_MAX = 4_096;
const EXCERPT_MAX = 1_000;
// eslint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The world outside, as far as webhooks may reach it. */
export interface Outside {
	fetch: (input: string, init: RequestInit) => Promise<Response>;
	/** The open internet alone: for what anybody may address. */
	open: (input: string, init: RequestInit) => Promise<Response>;
	/** Networks that an admin allows beside it. */
	networks: readonly string[];
	version: string;
	patience_ms?: number;
}

export interface Letter {
	url: string;
	/** `whsec_…`; null: lost. */
	secret: string | null;
	key: string;
	event: string;
	body: string;
}

/** One attempt to tell a webhook. */
export async function send(outside: Outside, letter: Letter, now: () => number): Promise<DeliveryAttempt> {
	if (letter.secret === null) return notSent('no_secret', now());
	const headers = await signed(letter.secret, { ...letter, id: letter.key, version: outside.version }, now());
	return post(outside, letter.url, headers, letter.body, now);
}

/** What is said of an attempt that was none. */
export const notSent = (error: DeliveryError, now: number): DeliveryAttempt => ({
	at: new Date(now).toISOString(),
	status: null,
	ms: 0,
	error,
	excerpt: '',
});

/** Sends JSON once. Whatever the other end does, it comes to an end and is told in a few words. */
export async function post(
	outside: Pick<Outside, 'fetch' | 'networks' | 'version' | 'patience_ms'>,
	url: string,
	headers: Record<string, string>,
	body: string,
	now: () => number,
): Promise<DeliveryAttempt> {
	const began = now();
	const told = (error: DeliveryError | null, status: number | null = null, excerpt = ''): DeliveryAttempt => ({
		...notSent('timeout', began),
		...{ status, error, excerpt },
		ms: Math.max(0, now() - began),
	});
	if (!isAllowedAddress(url, outside.networks)) return told('address');
	try {
		const response = await outside.fetch(url, {
			method: 'POST',
			redirect: 'manual',
			headers: { 'content-type': 'application/json', 'user-agent': `uHub/${outside.version}`, ...headers },
			body,
			signal: AbortSignal.timeout(outside.patience_ms ?? PATIENCE_MS),
		});
		const { status } = response;
		const excerpt = await beginning(response);
		if (status >= 200 && status < 300) return told(null, status, excerpt);
		return told(status >= 300 && status < 400 ? 'redirect' : 'refused', status, excerpt);
	} catch (error) {
		return told(error instanceof Error && /timeout|abort/i.test(error.name) ? 'timeout' : 'unreachable');
	}
}

/** What the answer begins with; the rest is not waited for. */
async function beginning(response: Response): Promise<string> {
	if (response.body === null) return '';
	const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
	const decoder = new TextDecoder();
	let text = '';
	let read = 0;
	try {
		while (read < READ_MAX) {
			const { value, done } = await reader.read();
			if (done) break;
			read += value.length;
			text += decoder.decode(value.subarray(0, READ_MAX), { stream: true });
		}
	} finally {
		// Whether that works is the other end's affair.
		void reader.cancel().catch(() => undefined);
	}
	// What a page shows of it is one calm text, whatever it is.
	return text.slice(0, EXCERPT_MAX).replace(unsafe, '\ufffd');
}
