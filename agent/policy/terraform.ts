import { z } from 'zod';

/** How long, and how many, saved plans are kept: whoever approves one does so within that time. */
export const TerraformPolicy = z.strictObject({
	plan_days: z.int().min(1).max(365).default(7),
	plans_mib: z.int().min(1).max(100_000).default(512),
});
export type TerraformPolicy = z.infer<typeof TerraformPolicy>;
