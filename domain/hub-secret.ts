import { z } from 'zod';
import { editable, Id } from './common.ts';

/** How a key of the hub's own is named in a project. */
export const HubSecretName = z
	.string()
	.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'expected letters, digits and . _ - (at most 64)');

/** A reference to a key of the hub's own: what the hub itself signs or checks with. References of agents stay with agents. */
export const HubSecretRef = z
	.string()
	.max(80)
	.regex(/^hub:[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'expected hub:NAME, a key that is set for this project');

/** One is set, and since when; the key itself is never shown again. */
export const HubSecret = z.object({
	id: Id,
	project_id: Id,
	name: z.string(),
	/** False: it was lost with the hub's own key, and has to be set anew. */
	usable: z.boolean(),
	...editable,
});
export type HubSecret = z.infer<typeof HubSecret>;

export const HubSecretPut = z.strictObject({
	value: z.string().min(16, 'at least 16 characters').max(4096),
});
export type HubSecretPut = z.infer<typeof HubSecretPut>;

/** A project's, at most. */
export const HUB_SECRETS_MAX = 100;
