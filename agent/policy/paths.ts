import { z } from 'zod';

export const AbsolutePath = z
	.string()
	.max(1024)
	.regex(/^\/[^\0]*$/, 'expected an absolute path')
	.refine((p) => !p.split('/').includes('..'), 'must not hold ..');
