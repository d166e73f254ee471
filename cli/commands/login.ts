import os from 'node:os';
import { z } from 'zod';
import { ApiError } from '#client/api-error.ts';
import type { Client } from '#client/client.ts';
import { TOKEN_PREFIX, TokenScope } from '#domain/token.ts';
import { flag, many, one, text, whole } from '../args.ts';
import { readAll } from '../ask.ts';
import { command, type Tools } from '../command.ts';
import { type Account, prepareConfig, readAccount, writeAccount } from '../config.ts';
import { Failure, usage } from '../failure.ts';
import { originOf, withToken } from '../hub.ts';
import { TokenMade, User } from '../rows.ts';
import { asPerson } from '../session.ts';
import { expiryIn } from '../tokens.ts';

export const login = command({
	name: 'login',
	summary: 'sign in at a hub: makes a token of yours and keeps it on this machine',
	operands: ['[HUB]'],
	options: {
		username: text('NAME', 'who you are there (else it is asked for)'),
		token: one(
			'-',
			z.literal('-', 'only "-": a token in an argument can be read by everybody on this machine'),
			'take a token that was made elsewhere from standard input',
		),
		name: text('NAME', 'what the token is called in your profile (default: uhub on this machine)'),
		scope: many('SCOPE', TokenScope, 'what the token may do (default: read, write and run)'),
		days: whole('N', 1, 366, 'how long it lives (default 90)'),
		insecure: flag('speak to a hub that has no TLS'),
	},
	run: async ({ of, values }, tools) => {
		const { env } = tools;
		const { insecure } = values;
		const address = of.HUB ?? env['UHUB_URL'];
		if (!address) throw usage('HUB is missing: the address of the hub, as https://hub.example.');
		const hub = originOf(address, insecure);
		const account = await readAccount(env);
		if (account) throw new Failure(`You are signed in at ${account.hub} already. Sign out first: uhub logout`);
		await prepareConfig(env);

		if (values.token !== undefined) {
			const made = await given(hub, tools);
			await writeAccount(env, { hub, insecure, token_id: null, expires_at: null, ...made });
			return said(tools, hub, made.username, null);
		}
		const username = values.username ?? (await tools.ask('Username'));
		const { name = `uhub on ${os.hostname()}`.slice(0, 80), days, scope } = values;
		const scopes = scope.length > 0 ? scope : (['read', 'write', 'run'] as const);
		return asPerson(hub, tools.ask, username, async (api, me) => {
			const body = { name, scopes: [...scopes], ...expiryIn(days) };
			const { id, version, token, expires_at } = await api.post('/tokens', body, TokenMade);
			const account = { hub, insecure, token, token_id: id, username: me.username, expires_at };
			await writeAccount(env, account).catch(async (error: unknown) => {
				await api.remove(`/tokens/${String(id)}`, version);
				throw new Failure(`The token cannot be kept: ${error instanceof Error ? error.message : String(error)}.`);
			});
			return said(tools, hub, me.username, expires_at);
		});
	},
});

/** A token from standard input, which the hub knows. */
async function given(hub: string, { stdin }: Tools): Promise<Pick<Account, 'token' | 'username'>> {
	const token = (await readAll(stdin, 4096)).trim();
	if (!new RegExp(`^${TOKEN_PREFIX}[\\w-]+$`).test(token))
		throw usage(`--token: standard input holds no token of a hub (${TOKEN_PREFIX}…).`);
	return { token, username: await nameBehind(withToken(hub, token)) };
}

/** Null where the token may not read who it is: that it is one, the refusal says. */
const nameBehind = (api: Client): Promise<string | null> =>
	api.get('/auth/me', User).then(
		({ username }) => username,
		(error: unknown) => {
			if (error instanceof ApiError && error.status === 403) return null;
			throw error;
		},
	);

function said({ out }: Tools, hub: string, username: string | null, expires_at: string | null): undefined {
	out.show({ hub, username, expires_at }, () => {
		const until = expires_at === null ? '' : ` until ${expires_at.slice(0, 10)}`;
		return `Signed in at ${hub}${username === null ? '' : ` as ${username}`}${until}.`;
	});
}
