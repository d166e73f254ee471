import { error } from '@sveltejs/kit';
import type { User } from '#domain/user.ts';
import { whyNot } from '#lib/api/rights.ts';

/** Throws the page that says why, for whoever may not know people. */
export function mayGovern(me: User): void {
	const why = whyNot(me, 'user.read', null);
	if (why !== null) error(403, { message: why, code: 'forbidden', request_id: null });
}
