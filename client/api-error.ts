import { z } from 'zod';

/** One field that the hub would not take. */
const FieldError = z.object({ path: z.string(), message: z.string() });

/** RFC 9457 `application/problem+json`, as uHub answers it; what stands in between may answer with less. */
export const Problem = z.object({
	title: z.string().default(''),
	status: z.number(),
	detail: z.string().default(''),
	code: z.string().default('unknown'),
	errors: z.array(FieldError).default([]),
	request_id: z.string().nullable().default(null),
	current: z.unknown().optional(),
	changed: z.array(z.object({ field: z.string(), by_id: z.number().nullable(), at: z.string() })).default([]),
});
type Problem = z.infer<typeof Problem>;

/** A refusal or a fault of the hub, or (`status` 0) no answer at all. */
export class ApiError extends Error {
	readonly problem: Problem;

	constructor(problem: Problem, options?: ErrorOptions) {
		super(problem.detail || problem.title, options);
		this.problem = problem;
	}

	get status() {
		return this.problem.status;
	}

	/** What is wrong with a field, by its dotted path. */
	get fields(): Record<string, string> {
		return Object.fromEntries(this.problem.errors.map((e) => [e.path, e.message]));
	}

	/** Why there was no answer: in the system's own word (`ECONNREFUSED`), else as far as anybody said. */
	get why(): string {
		let said = '';
		for (let { cause } = this; cause instanceof Error; cause = cause.cause) {
			if ('code' in cause && typeof cause.code === 'string') return cause.code;
			said = cause.message;
		}
		return said;
	}

	/** Of an answer that is no 2xx. */
	static async of(response: Response): Promise<ApiError> {
		const told = Problem.safeParse(await response.json().catch(() => null));
		const { status, statusText: title, headers } = response;
		return new ApiError(told.data ?? Problem.parse({ status, title, request_id: headers.get('x-request-id') }));
	}
}
