/** Something a person can put right: shown as one sentence, without a stack, and the program ends with `exit_code`. */
export class Failure extends Error {
	readonly exit_code: number;

	constructor(message: string, exit_code = 1) {
		super(message);
		this.exit_code = exit_code;
	}
}

/** The `code` of a system error (`ENOENT`, `ECONNREFUSED`…), also of the one inside a failed fetch; '' when it has none. */
export function codeOf(error: unknown): string {
	if (!(error instanceof Error)) return '';
	if ('code' in error && typeof error.code === 'string') return error.code;
	return codeOf(error.cause);
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
