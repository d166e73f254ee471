import { z } from 'zod';

/** Labels an agent must carry to be offered the job. */
export const Labels = z
	.record(
		z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/),
		z
			.string()
			.max(63)
			.regex(/^[\w./-]*$/),
	)
	.refine((l) => Object.keys(l).length <= 20, 'at most 20 labels');
export type Labels = z.infer<typeof Labels>;
