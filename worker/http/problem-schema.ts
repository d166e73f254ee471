import { z } from 'zod';
import { Time } from '#domain/common.ts';

/** RFC 9457, as every refusal is told. */
export const Problem = z.object({
	type: z.string(),
	title: z.string(),
	status: z.int(),
	detail: z.string(),
	/** For programs; does not change. */
	code: z.string(),
	errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
	/** With 412: the row as it is now. */
	current: z.record(z.string(), z.unknown()).optional(),
	/** With 412: who changed which fields since the version that was named. */
	changed: z.array(z.object({ field: z.string(), by_id: z.int().nullable(), at: Time })).optional(),
	request_id: z.string(),
});
export type Problem = z.infer<typeof Problem>;
