import { z } from 'zod';
import { Time } from './common.ts';

/** Six digits of an authenticator, or a recovery code; spaces and dashes are for the eye. */
export const Code = z
	.string()
	.max(60)
	.transform((code) => code.replace(/[\s-]/g, '').toLowerCase())
	.pipe(z.string().regex(/^(\d{6}|[a-z2-7]{16})$/, 'expected the 6 digits, or a recovery code'));

export const CodeInput = z.strictObject({ code: Code });

const Password = z.string().min(1).max(200);

/** What begins one: the password of whoever has one, so that a session somebody found open is not enough. */
export const BeginInput = z.strictObject({ password: Password.optional() });
export type BeginInput = z.infer<typeof BeginInput>;

/** Who has no password has signed in within this time instead. */
export const RECENT_MS = 15 * 60_000;

/** What turns a second factor off: its code, or the password. */
export const Proof = z
	.strictObject({ code: Code.optional(), password: Password.optional() })
	.refine(({ code, password }) => (code === undefined) !== (password === undefined), 'expected a code or a password');
export type Proof = z.infer<typeof Proof>;

export const SecondFactor = z.object({
	enabled: z.boolean(),
	since: Time.nullable(),
	recovery_codes_left: z.int().min(0),
	/** Whether the person has a password to prove themselves by. */
	has_password: z.boolean(),
});
export type SecondFactor = z.infer<typeof SecondFactor>;

/** What an authenticator is set up with. Shown until the first code confirms it, never again. */
export const SecondFactorSecret = z.object({ secret: z.string(), uri: z.string() });
export type SecondFactorSecret = z.infer<typeof SecondFactorSecret>;

/** Shown once: the hub keeps their hashes only. */
export const RecoveryCodes = z.object({ recovery_codes: z.array(z.string()) });
export type RecoveryCodes = z.infer<typeof RecoveryCodes>;
