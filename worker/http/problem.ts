import type { Context, ErrorHandler } from 'hono';
import { DomainError, type ErrorCode } from '#domain/errors.ts';
import type { AppEnv } from './context.ts';

/** A refusal that only HTTP knows. */
export class HttpError extends Error {
	readonly status: 405 | 415 | 422;
	readonly code: 'method_not_allowed' | 'unsupported_media_type' | 'idempotency_mismatch';
	constructor(status: HttpError['status'], code: HttpError['code'], message: string) {
		super(message);
		this.status = status;
		this.code = code;
	}
}

type Status = 400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 415 | 422 | 428 | 429 | 500 | 503;

const statusOf: Record<ErrorCode, Status> = {
	invalid: 400,
	not_signed_in: 401,
	forbidden: 403,
	not_found: 404,
	conflict: 409,
	stale: 412,
	too_large: 413,
	precondition_required: 428,
	too_many: 429,
	unavailable: 503,
};

const titles: Record<Status, string> = {
	400: 'The request is not valid',
	401: 'Not signed in',
	403: 'Not allowed',
	404: 'Not found',
	405: 'Method not allowed',
	409: 'Conflict',
	412: 'The row has changed',
	413: 'Too large',
	415: 'Unsupported media type',
	422: 'Unprocessable',
	428: 'If-Match is needed',
	429: 'Too many attempts',
	500: 'A fault in the hub',
	503: 'Not available',
};

/** RFC 9457. What is in `more` stands beside the standard members. */
export function problem(
	c: Context<AppEnv>,
	status: Status,
	code: string,
	detail: string,
	{ retry_after_s, ...more }: DomainError['details'] = {},
): Response {
	const body = {
		type: 'about:blank',
		title: titles[status],
		status,
		detail,
		code,
		...more,
		request_id: c.var.request_id,
	};
	const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
	if (status === 401) headers['www-authenticate'] = 'Bearer';
	if (retry_after_s !== undefined) headers['retry-after'] = String(retry_after_s);
	return c.body(JSON.stringify(body), status, headers);
}

/** Every error becomes a problem; what is not a refusal of ours is logged, and told as a fault without its inside. */
export const onError: ErrorHandler<AppEnv> = (error, c) => {
	if (error instanceof DomainError) return problem(c, statusOf[error.code], error.code, error.message, error.details);
	if (error instanceof HttpError) return problem(c, error.status, error.code, error.message);
	console.error(`request ${c.var.request_id}: ${c.req.method} ${c.req.path}:`, error);
	return problem(
		c,
		500,
		'fault',
		'Something went wrong in the hub. Nothing you sent is at fault; the log names this request.',
	);
};
