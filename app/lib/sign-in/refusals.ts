import type { SignInRefusal } from '#domain/sign-in.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

/** What to say, and to do, when the identity provider did not lead in. */
export const refusals: Words<SignInRefusal> = {
	denied: m.oidc_denied,
	expired: m.oidc_expired,
	unavailable: m.oidc_unavailable,
	invalid: m.oidc_invalid,
	unknown: m.oidc_unknown,
	unverified: m.oidc_unverified,
	taken: m.oidc_taken,
	self_set: m.oidc_self_set,
	inactive: m.oidc_inactive,
	no_role: m.oidc_no_role,
	fault: m.oidc_fault,
};
