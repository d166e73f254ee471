import type { MiddlewareHandler } from 'hono';
import { resolver, uniqueSymbol, validator } from 'hono-openapi';
import { z } from 'zod';
import { Id } from '#domain/common.ts';
import { DomainError, type FieldError, invalid, notFound } from '#domain/errors.ts';
import { jsonOf, sha256 } from '#worker/services/bytes.ts';
import type { AppEnv } from './context.ts';
import { HttpError } from './problem.ts';

/** The largest JSON body, in bytes. */
const BODY_MAX = 1_048_576;
/** An idempotency key is kept as it came. */
const IdempotencyKey = z.string().regex(/^[\x21-\x7e]{1,200}$/);

type Path = string | number | symbol | { readonly key: string | number | symbol };
type Issue = { message: string; path?: readonly Path[] | undefined; keys?: readonly string[] | undefined };

const fieldErrors = (issues: readonly Issue[]): FieldError[] =>
	issues.slice(0, 50).map(({ message, path = [] }) => ({
		path: path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
		message,
	}));

const refuse = (issues: readonly Issue[]) =>
	new DomainError('invalid', 'The request is not valid.', { errors: fieldErrors(issues) });

/** A row's number, as it stands in an address. */
export const IdInPath = z
	.string()
	.regex(/^[1-9]\d{0,9}$/)
	.transform(Number)
	.pipe(Id);

/** The rows' numbers in the address. What is none cannot be a row's, so it is not found. */
export const idsIn = <S extends z.ZodRawShape>(what: string, shape: S) =>
	validator('param', z.strictObject(shape), (result) => {
		if (!result.success) throw notFound(what);
	});

export const idIn = (what: string) => idsIn(what, { id: IdInPath });

/** The query string, strictly of its schema. Keys that are not taken are told one by one. */
export const query = <S extends z.ZodType>(schema: S) =>
	validator('query', schema, (result) => {
		if (result.success) return;
		const issues: readonly Issue[] = result.error;
		throw refuse(
			issues.flatMap(({ message, path = [], keys }): Issue[] =>
				keys ? keys.map((key) => ({ path: [...path, key], message: 'is not taken here' })) : [{ path, message }],
			),
		);
	});

/**
 * The JSON body, strictly of its schema; where nothing need be sent, an empty body is `{}`. Sets the hash by which an
 * Idempotency-Key is recognised.
 */
export function json<S extends z.ZodType>(
	schema: S,
	{ max = BODY_MAX } = {},
): MiddlewareHandler<AppEnv, string, { in: { json: z.input<S> }; out: { json: z.output<S> } }> {
	const middleware: MiddlewareHandler<
		AppEnv,
		string,
		{ in: { json: z.input<S> }; out: { json: z.output<S> } }
	> = async (c, next) => {
		const bytes = await readBody(c.req.raw, max);
		if (bytes.length > 0 && !/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? ''))
			throw new HttpError(415, 'unsupported_media_type', 'Send JSON, as content type application/json.');
		const result = await schema.safeParseAsync(bytes.length === 0 ? {} : jsonOf(bytes));
		if (!result.success) throw refuse(result.error.issues);
		c.req.addValidatedData('json', result.data as object);
		await claimable(c, bytes);
		await next();
	};
	return Object.assign(middleware, { [uniqueSymbol]: { target: 'json' as const, ...resolver(schema), options: {} } });
}

/** What another program sends, which sets its headers by a form: JSON, of at most `max` bytes. */
export function readHook(request: Request, max: number): Promise<Uint8Array> {
	if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? ''))
		throw new HttpError(415, 'unsupported_media_type', 'Have it sent as JSON: content type application/json.');
	return readBody(request, max);
}

/** Reads the whole body, of at most `max` bytes, without trusting its announced length. */
export async function readBody(request: Request, max: number): Promise<Uint8Array> {
	const tooLarge = () => new DomainError('too_large', `At most ${String(max)} bytes may be sent here.`);
	if (Number(request.headers.get('content-length') ?? 0) > max) throw tooLarge();
	if (request.body === null) return new Uint8Array();
	const parts: Uint8Array[] = [];
	let length = 0;
	for await (const part of request.body as ReadableStream<Uint8Array>) {
		length += part.length;
		if (length > max) throw tooLarge();
		parts.push(part);
	}
	const [first] = parts;
	if (first && parts.length === 1) return first;
	const whole = new Uint8Array(length);
	let at = 0;
	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}
	return whole;
}

async function claimable(c: Parameters<MiddlewareHandler<AppEnv>>[0], body: Uint8Array): Promise<void> {
	const key = c.req.header('idempotency-key');
	if (key === undefined || c.req.method !== 'POST') return;
	if (!IdempotencyKey.safeParse(key).success)
		throw invalid('Idempotency-Key', 'expected 1 to 200 visible ASCII characters');
	const head = new TextEncoder().encode(`${c.req.path}\n`);
	const all = new Uint8Array(head.length + body.length);
	all.set(head);
	all.set(body, head.length);
	c.set('request_hash', await sha256(all));
}
