import { z } from 'zod';
import { ApiError } from '#client/api-error.ts';

/** What the program ends with; docs/cli.md tells of each. */
export const Exit = {
	done: 0,
	refused: 1,
	usage: 2,
	notSignedIn: 3,
	runFailed: 10,
	runCanceled: 11,
	runLost: 12,
	interrupted: 130,
	terminated: 143,
	brokenPipe: 141,
} as const;

/** Something a person can put right: told as one sentence, without a stack. */
export class Failure extends Error {
	readonly exit: number;

	constructor(message: string, exit: number = Exit.refused) {
		super(message);
		this.exit = exit;
	}
}

/** The command line does not say what to do. */
export const usage = (message: string) => new Failure(message, Exit.usage);

/** What is said of an error, and what the program ends with. Rethrows what is a fault of ours. */
export function told(error: unknown): Failure {
	if (error instanceof Failure) return error;
	if (error instanceof ApiError) return refusal(error);
	if (error instanceof z.ZodError) {
		const [issue] = error.issues;
		const where = issue?.path.join('.') ?? '';
		return new Failure(
			`The hub answered what this version of uhub does not understand (${where || 'the whole answer'}): ${issue?.message ?? ''}. Fetch uhub anew from the hub.`,
		);
	}
	throw error;
}

function refusal(error: ApiError): Failure {
	const { status } = error;
	if (status === 0) return new Failure(`The hub does not answer${error.why && `: ${error.why}`}.`);
	return status === 401
		? new Failure(sentence(error, 'Sign in: uhub login HUB'), Exit.notSignedIn)
		: new Failure(sentence(error));
}

/** What the hub said, with the fields it would not take, and the request to find in its log. */
export function sentence({ problem }: ApiError, hint = ''): string {
	const { status, detail, title, errors, request_id } = problem;
	const fields = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
	const said = [detail || title || `The hub answered ${String(status)}.`, fields, hint].filter(Boolean).join(' ');
	return request_id === null ? said : `${said} (request ${request_id})`;
}
