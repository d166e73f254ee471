import { z } from 'zod';

/** For whom a password is enough to come in by. */
export const PasswordPolicy = z.enum(['all', 'admins']);
export type PasswordPolicy = z.infer<typeof PasswordPolicy>;

/** The ways into this hub, for whoever stands before it. */
export const SignInMethods = z.object({
	passwords: PasswordPolicy,
	oidc: z.object({ label: z.string() }).nullable(),
});
export type SignInMethods = z.infer<typeof SignInMethods>;

/** The answer to a right password of somebody who has a second factor: a code is needed yet. */
export const CodeNeeded = z.object({ second_factor: z.literal('totp') });

/** Why a sign-in at the identity provider did not become one here. The sign-in page has a sentence for each. */
export const SignInRefusal = z.enum([
	'denied', // the provider, or the person there, said no
	'expired', // too late, begun in another browser, or used before
	'unavailable', // the provider does not answer
	'invalid', // what the provider said does not hold
	'unknown', // nobody here, and people are not created
	'unverified', // somebody here has this e-mail, and the provider does not vouch for it
	'taken', // the e-mail belongs to somebody who comes in as another person of that provider
	'self_set', // the e-mail was set by the person themselves, which proves nothing
	'inactive', // deactivated here
	'no_role', // nothing the provider says gives a role
	'fault', // ours
]);
export type SignInRefusal = z.infer<typeof SignInRefusal>;
