import { z } from 'zod';
import { ApiError } from '#client/api-error.ts';
import { command } from '../command.ts';
import { readAccount, removeAccount } from '../config.ts';
import { Failure } from '../failure.ts';
import { originOf, withToken } from '../hub.ts';

export const logout = command({
	name: 'logout',
	summary: 'sign out: revokes the token and forgets it',
	operands: [],
	options: {},
	run: async (_, { env, out }) => {
		const account = await readAccount(env);
		if (account === null) throw new Failure('Not signed in.');
		const hub = originOf(account.hub, account.insecure);
		const revoked = await withToken(hub, account.token)
			.post('/auth/logout', {}, z.null())
			.then(
				() => true,
				(error: unknown) => {
					// It was revoked, or has ended by itself.
					if (error instanceof ApiError && error.status === 401) return false;
					throw error;
				},
			);
		await removeAccount(env);
		out.show({ hub, revoked }, () =>
			revoked ? `Signed out at ${hub}; the token is revoked.` : `Signed out at ${hub}; the token was over already.`,
		);
		return undefined;
	},
});
