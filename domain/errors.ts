/** What a refusal is about, for programs; the HTTP layer gives each its status. */
export type ErrorCode =
	| 'invalid' // 400: the input is not of its schema; `errors` names the fields
	| 'not_signed_in' // 401
	| 'forbidden' // 403: seen, but not allowed; the message names the missing right
	| 'not_found' // 404: not there, or not to be seen
	| 'conflict' // 409: the present state forbids it
	| 'stale' // 412: the row has changed since it was read; `current` is the row
	| 'too_large' // 413
	| 'precondition_required' // 428
	| 'too_many' // 429
	| 'unavailable'; // 503: a part it needs is away; nothing was changed

export interface FieldError {
	/** Dotted path to the field, '' for the whole. */
	path: string;
	message: string;
}

/** A refusal that is part of the domain: never a fault, always told to the one who asked. */
export class DomainError extends Error {
	readonly code: ErrorCode;
	readonly details: {
		errors?: FieldError[];
		current?: unknown;
		changed?: { field: string; by_id: number | null; at: string }[];
		retry_after_s?: number;
	};

	constructor(code: ErrorCode, message: string, details: DomainError['details'] = {}) {
		super(message);
		this.code = code;
		this.details = details;
	}
}

export const notFound = (what: string) => new DomainError('not_found', `There is no such ${what}.`);
export const forbidden = (missing: string) => new DomainError('forbidden', `Not allowed: ${missing}.`);
export const conflict = (message: string) => new DomainError('conflict', message);
export const invalid = (path: string, message: string) =>
	new DomainError('invalid', 'The request is not valid.', { errors: [{ path, message }] });
