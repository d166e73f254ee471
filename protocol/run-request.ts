import type { Reason } from '#domain/run-reason.ts';
import type { RunSpec } from './run-spec.ts';

// A run that is a request to somebody else: what is asked, and how what comes back is told and ends it.

/** What is asked. The same at each attempt to read it: a request of one run and epoch has one name. */
export const requestBody = (
	spec: RunSpec,
	attempt: number | null,
	callback: { url: string; token: string } | null,
) => ({
	event: 'run.request',
	run_id: spec.run_id,
	...(attempt !== null && { attempt }),
	job: { id: spec.job_id, title: spec.title },
	project: { id: spec.project_id, name: spec.project },
	environment: spec.environment,
	parameters: spec.parameters,
	...(callback && { callback_url: callback.url, callback_token: callback.token }),
});
/** Where a callback is to come, at a hub's address. */
export const callbackUrl = (hub: string, run_id: number): string =>
	`${new URL(hub).origin}/api/hooks/runs/${String(run_id)}`;
/** Said in the log when the answer does not end the run. */
export const GOES_ON = '\nThe answer is taken. It goes on, and ends with a callback.\n';
export const requestId = (run_id: number, epoch: number): string => `run_${String(run_id)}_${String(epoch)}`;

/** So long an answer is waited for, where a configuration says nothing else. */
export const TIMEOUT_S = 60;
/** Of an answer, so much is read and kept. */
export const ANSWER_MAX = 1_048_576;
/** What of it has come is written down when it is this much, or when so long has passed. */
const GATHER_BYTES = 16_384;
const GATHER_MS = 1_000;
/** The headers of an answer that say nothing secret. */
const SHOWN_HEADERS = ['content-type', 'content-length', 'retry-after', 'x-request-id'];

/** It leads where it may not: the message says so, to everybody. */
export class AddressRefused extends Error {}

export interface Answered {
	status: number;
	statusText: string;
	header(name: string): string | null;
	/** The next bytes of its body; null at the end. */
	read(): Promise<Uint8Array | null>;
	/** The rest is not wanted. */
	drop(): void;
}

export interface Exchange {
	method: string;
	url: string;
	/** The status that means success; null: any 2xx. */
	expected: number | null;
	timeout_s: number;
	send(): Promise<Answered>;
	/** What never stands in the log, though it may come back; null: nothing. */
	hidden: string | null;
	stopped(): 'timeout' | 'canceled' | null;
	/** A part of the run's log. */
	say(stream: 'stdout' | 'stderr', text: string): void;
	now(): number;
}

export interface Ended {
	outcome: 'success' | 'failed';
	reason: Reason | null;
}

/** One request and its answer, told in the log. Whatever the other end does it comes to an end, at the latest by the time limit. Null: it was canceled. */
export async function exchange(e: Exchange): Promise<Ended | null> {
	const ended = await converse(e);
	if (ended?.reason) e.say('stderr', `${ended.reason.message}\n`);
	return ended;
}

async function converse(e: Exchange): Promise<Ended | null> {
	const began = e.now();
	e.say('stdout', `${e.method} ${shownAddress(e.url)}\n`);
	let answered = false;
	try {
		const answer = await e.send();
		answered = true;
		const { status, statusText } = answer;
		const headers = SHOWN_HEADERS.flatMap((name) => {
			const value = answer.header(name);
			return value === null ? [] : [`${name}: ${without(e.hidden, value).slice(0, 200)}\n`];
		});
		const line = `${String(status)} ${without(e.hidden, statusText).slice(0, 100)}`.trim();
		e.say('stdout', `${line}, after ${String(e.now() - began)} ms\n${headers.join('')}\n`);
		await tellBody(e, answer);
		return endOf(status, e.expected);
	} catch (error) {
		if (error instanceof AddressRefused) return failed('http_refused', error.message);
		switch (e.stopped()) {
			case 'canceled':
				return null;
			case 'timeout':
				return failed(
					'timeout',
					`${answered ? 'The answer was not complete' : 'No answer came'} within ${String(e.timeout_s)} s.`,
				);
			case null:
				return answered
					? failed('http_unreachable', 'The connection broke off before the answer was complete.')
					: failed(
							'http_unreachable',
							`${new URL(e.url).hostname} could not be reached, or leads where requests do not go.`,
						);
		}
	}
}

export const without = (hidden: string | null, text: string): string =>
	hidden === null ? text : text.replaceAll(hidden, '•••');

/** What stands in a query may be a key. */
export function shownAddress(url: string): string {
	const { origin, pathname, search } = new URL(url);
	return `${origin}${pathname}${search === '' ? '' : '?…'}`;
}

function endOf(status: number, expected: number | null): Ended {
	if (expected === null ? status >= 200 && status < 300 : status === expected)
		return { outcome: 'success', reason: null };
	if (status >= 300 && status < 400)
		return failed('http_refused', `It answered ${String(status)} and leads elsewhere: redirects are not followed.`);
	const wanted = expected === null ? 'one from 200 to 299' : String(expected);
	return failed('http_status', `It answered with the status ${String(status)}, and ${wanted} was expected.`);
}

const failed = (code: Reason['code'], message: string): Ended => ({
	outcome: 'failed',
	reason: { code, message: message.slice(0, 500) },
});

/** Whatever bytes come, the log gets text, and no more of it than is kept of an answer. */
async function tellBody(e: Exchange, answer: Answered): Promise<void> {
	const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
	let left = ANSWER_MAX;
	let text = '';
	let told = e.now();
	// What is hidden may come in two parts: so much is held back until it is known what follows.
	const held = e.hidden === null ? 0 : e.hidden.length - 1;
	const tell = (all: boolean) => {
		text = without(e.hidden, text);
		const part = all ? text : text.slice(0, Math.max(0, text.length - held));
		if (part !== '') e.say('stdout', part);
		text = text.slice(part.length);
		told = e.now();
	};
	try {
		for (let bytes = await answer.read(); bytes !== null; bytes = await answer.read()) {
			text += decoder.decode(bytes.subarray(0, left), { stream: true });
			left -= bytes.length;
			if (text.length >= GATHER_BYTES || e.now() - told >= GATHER_MS) tell(false);
			if (left < 0) break;
		}
		text += decoder.decode();
	} finally {
		tell(true);
	}
	if (left >= 0) return;
	answer.drop();
	e.say('stderr', '\nThe answer is longer than 1 MiB: the rest of it was not read.\n');
}
