import { z } from 'zod';

export const Tool = z.enum(['ansible', 'shell', 'terraform', 'custom']);
export type Tool = z.infer<typeof Tool>;
