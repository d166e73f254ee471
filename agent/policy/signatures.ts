import { z } from 'zod';

/** Whose signature under a job's template is taken. */
export const SignaturePolicy = z.strictObject({
	/** False: what carries a signature is checked, and what carries none is taken. */
	required: z.boolean().default(true),
	/** Ed25519, raw, base64url: what `uhub-agent sign --new-key` prints. */
	keys: z
		.array(z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected a public key, as uhub-agent sign --new-key prints it'))
		.min(1)
		.max(50),
});
export type SignaturePolicy = z.infer<typeof SignaturePolicy>;
