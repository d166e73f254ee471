import { z } from 'zod';
import { ApiError, Problem } from './api-error.ts';
import type { Body, Known, Method, Query, Reads } from './typed.ts';

interface Call<Q> {
	query?: Q;
	signal?: AbortSignal;
	/** SvelteKit's own, inside a `load`. */
	fetch?: typeof fetch;
}

interface Sent extends Call<Record<string, unknown>> {
	body?: unknown;
	/** Lines of JSON, sent as they are. */
	lines?: Uint8Array<ArrayBuffer>;
	/** The version that was read: sent as `If-Match`. */
	version?: number;
}

export interface Options {
	/** The hub's origin; '' for the one this page came from. */
	hub?: string;
	/** Sent with every request, as they are at that moment. */
	headers?: Record<string, string>;
	fetch?: typeof fetch;
}

/** 128 random bits in hexadecimal; `crypto.randomUUID` is not there on plain http. */
const randomKey = () =>
	Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

export function withQuery(path: string, query: Record<string, unknown> = {}): string {
	const params = new URLSearchParams();
	for (const [key, value] of Object.entries(query))
		if (value !== null && value !== undefined && value !== '') params.set(key, String(value));
	const text = params.toString();
	return text ? `${path}?${text}` : path;
}

const nothing = z.unknown();

/**
 * The hub's API, typed by its own document (`routes.ts`): a path it does not have, a body it would refuse or an answer it does not
 * give are refused by the compiler. Every answer is parsed by the schema it is asked with, every refusal throws an `ApiError`.
 * Paths are below `/api`.
 */
export function clientOf({ hub = '', headers: always = {}, fetch: standard }: Options = {}) {
	async function send(method: Method, path: string, call: Sent): Promise<Response> {
		const headers: Record<string, string> = { accept: 'application/json', ...always };
		if (call.body !== undefined) headers['content-type'] = 'application/json';
		if (call.version !== undefined) headers['if-match'] = `"v${String(call.version)}"`;
		if (method === 'POST') headers['idempotency-key'] = randomKey();
		const init: RequestInit = { method, headers };
		if (call.body !== undefined) init.body = JSON.stringify(call.body);
		if (call.lines) {
			headers['content-type'] = 'application/x-ndjson';
			init.body = call.lines;
		}
		if (call.signal) init.signal = call.signal;

		const ask = () => (call.fetch ?? standard ?? fetch)(withQuery(`${hub}/api${path}`, call.query), init);
		let response: Response;
		try {
			// A lost answer is asked for once more: the Idempotency-Key keeps the work from being done twice.
			response = await ask().catch((error: unknown) => {
				if (call.signal?.aborted || method === 'PATCH' || method === 'DELETE') throw error;
				return ask();
			});
		} catch (cause) {
			if (call.signal?.aborted) throw cause;
			throw new ApiError(Problem.parse({ status: 0, code: 'no_answer' }), { cause });
		}
		if (response.ok) return response;
		throw await ApiError.of(response);
	}

	async function ask<S extends z.ZodType>(method: Method, path: string, schema: S, call: Sent): Promise<z.output<S>> {
		const response = await send(method, path, call);
		return schema.parse(response.status === 204 ? null : await response.json());
	}

	return {
		get: <const P extends string, S extends z.ZodType>(
			path: P & Known<'GET', P>,
			answer: S & Reads<'GET', P, S>,
			call: Call<Query<'GET', P>> = {},
		): Promise<z.output<S>> => ask('GET', path, answer, call),
		/** The answer as it comes in, for what is too long to be waited for. */
		stream: <const P extends string>(path: P & Known<'GET', P>, call: Call<Query<'GET', P>> = {}): Promise<Response> =>
			send('GET', path, call),
		text: async <const P extends string>(path: P & Known<'GET', P>, call: Call<Query<'GET', P>> = {}) =>
			(await send('GET', path, call)).text(),
		post: <const P extends string, S extends z.ZodType>(
			path: P & Known<'POST', P>,
			body: Body<'POST', P>,
			answer: S & Reads<'POST', P, S>,
			call: Call<Query<'POST', P>> = {},
		): Promise<z.output<S>> => ask('POST', path, answer, { ...call, body }),
		lines: <const P extends string, S extends z.ZodType>(
			path: P & Known<'POST', P>,
			lines: Uint8Array<ArrayBuffer>,
			answer: S & Reads<'POST', P, S>,
			call: Call<Query<'POST', P>> = {},
		): Promise<z.output<S>> => ask('POST', path, answer, { ...call, lines }),
		/** `version` is the one the change was made on: a newer row answers 412 and changes nothing. */
		patch: <const P extends string, S extends z.ZodType>(
			path: P & Known<'PATCH', P>,
			version: number,
			body: Body<'PATCH', P>,
			answer: S & Reads<'PATCH', P, S>,
		): Promise<z.output<S>> => ask('PATCH', path, answer, { body, version }),
		/** Makes it so, whatever it was before. */
		put: <const P extends string, S extends z.ZodType>(
			path: P & Known<'PUT', P>,
			body: Body<'PUT', P>,
			answer: S & Reads<'PUT', P, S>,
			call: Call<Query<'PUT', P>> = {},
		): Promise<z.output<S>> => ask('PUT', path, answer, { ...call, body }),
		/** Without a version where what is removed has none. */
		remove: async <const P extends string>(
			path: P & Known<'DELETE', P>,
			version?: number,
			call: Call<Query<'DELETE', P>> = {},
		): Promise<void> => {
			await ask('DELETE', path, nothing, { ...call, ...(version !== undefined && { version }) });
		},
	};
}
export type Client = ReturnType<typeof clientOf>;
