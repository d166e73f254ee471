import { z } from 'zod';

/** One field that the server would not take. */
const FieldError = z.object({ path: z.string(), message: z.string() });

/** RFC 9457 `application/problem+json`, as uHub answers it. */
const Problem = z.object({
	title: z.string().default(''),
	status: z.number(),
	detail: z.string().default(''),
	code: z.string().default('unknown'),
	errors: z.array(FieldError).default([]),
	request_id: z.string().nullable().default(null),
	current: z.unknown().optional(),
	changed: z.array(z.object({ field: z.string(), by_id: z.number().nullable(), at: z.string() })).default([]),
});

/** A refusal or a fault of the hub, or (`status` 0) no answer at all. */
export class ApiError extends Error {
	readonly problem: z.infer<typeof Problem>;

	constructor(problem: z.infer<typeof Problem>) {
		super(problem.detail || problem.title);
		this.problem = problem;
	}

	get status() {
		return this.problem.status;
	}

	/** What is wrong with a field, by its dotted path. */
	get fields(): Record<string, string> {
		return Object.fromEntries(this.problem.errors.map((e) => [e.path, e.message]));
	}
}

export type Query = Record<string, string | number | boolean | null | undefined>;

interface Call {
	query?: Query;
	body?: unknown;
	/** Lines of JSON, sent as they are. */
	lines?: Uint8Array<ArrayBuffer>;
	/** The version that was read: sent as `If-Match`. */
	version?: number;
	signal?: AbortSignal;
	/** SvelteKit's own, inside a `load`. */
	fetch?: typeof fetch;
}

/** 128 random bits in hexadecimal; `crypto.randomUUID` is not there on plain http. */
const randomKey = () =>
	Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

export function withQuery(path: string, query: Query = {}): string {
	const params = new URLSearchParams();
	for (const [key, value] of Object.entries(query))
		if (value !== null && value !== undefined && value !== '') params.set(key, String(value));
	const text = params.toString();
	return text ? `${path}?${text}` : path;
}

async function send(method: string, path: string, call: Call): Promise<Response> {
	const headers: Record<string, string> = { accept: 'application/json' };
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

	const ask = () => (call.fetch ?? fetch)(withQuery(`/api${path}`, call.query), init);
	let response: Response;
	try {
		// A lost answer is asked for once more: the Idempotency-Key keeps the work from being done twice.
		response = await ask().catch((error: unknown) => {
			if (call.signal?.aborted || method === 'PATCH' || method === 'DELETE') throw error;
			return ask();
		});
	} catch (error) {
		if (call.signal?.aborted) throw error;
		throw new ApiError(Problem.parse({ status: 0, code: 'no_answer' }));
	}
	if (response.ok) return response;
	const told = Problem.safeParse(await response.json().catch(() => null));
	throw new ApiError(
		told.success
			? told.data
			: Problem.parse({
					status: response.status,
					title: response.statusText,
					request_id: response.headers.get('x-request-id'),
				}),
	);
}

async function ask<S extends z.ZodType>(method: string, path: string, schema: S, call: Call = {}): Promise<z.infer<S>> {
	const response = await send(method, path, call);
	return schema.parse(response.status === 204 ? null : await response.json());
}

const nothing = z.unknown();

/**
 * The hub's API. Every answer is parsed by the schema it is asked with, every refusal throws an `ApiError`.
 * Paths are below `/api`.
 */
export const api = {
	get: <S extends z.ZodType>(path: string, schema: S, call?: Call) => ask('GET', path, schema, call),
	/** The answer as it comes in, for what is too long to be waited for. */
	stream: (path: string, call: Call = {}) => send('GET', path, call),
	lines: <S extends z.ZodType>(path: string, lines: Uint8Array<ArrayBuffer>, schema: S, call: Call = {}) =>
		ask('POST', path, schema, { ...call, lines }),
	text: async (path: string, call: Call = {}) => (await send('GET', path, call)).text(),
	post: <S extends z.ZodType>(path: string, body: unknown, schema: S) => ask('POST', path, schema, { body }),
	/** `version` is the one the change was made on: a newer row answers 412 and changes nothing. */
	patch: <S extends z.ZodType>(path: string, version: number, body: unknown, schema: S) =>
		ask('PATCH', path, schema, { body, version }),
	/** Makes it so, whatever it was before. */
	put: <S extends z.ZodType>(path: string, body: unknown, schema: S) => ask('PUT', path, schema, { body }),
	/** Without a version where what is removed has none. */
	remove: async (path: string, version?: number) => {
		await ask('DELETE', path, nothing, version === undefined ? {} : { version });
	},
};
