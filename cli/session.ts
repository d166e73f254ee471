import { z } from 'zod';
import { ApiError } from '#client/api-error.ts';
import { type Client, clientOf } from '#client/client.ts';
import { CodeNeeded, SignInMethods } from '#domain/sign-in.ts';
import type { Ask } from './ask.ts';
import { Exit, Failure, sentence } from './failure.ts';
import { fetchFrom } from './hub.ts';
import { User } from './rows.ts';

/** Holds a session's cookies, and sends them back to the one hub they came from. */
function sessionClient(origin: string): Client {
	const jar = new Map<string, string>();
	const cookies = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
	const send = fetchFrom(() => ({ origin, ...(jar.size > 0 && { cookie: cookies() }) }));
	return clientOf({
		hub: origin,
		fetch: async (input, init) => {
			const response = await send(input, init);
			for (const cookie of response.headers.getSetCookie()) {
				const [, name, value] = /^([^=;]+)=([^;]*)/.exec(cookie) ?? [];
				if (!name) continue;
				if (value) jar.set(name, value);
				else jar.delete(name);
			}
			return response;
		},
	});
}

/**
 * Does something as the person, with their password (and code): what no token may do. The session is over when it is done,
 * whatever comes of it.
 */
export async function asPerson<R>(
	origin: string,
	ask: Ask,
	username: string,
	work: (api: Client, me: z.infer<typeof User>) => Promise<R>,
): Promise<R> {
	const api = sessionClient(origin);
	const password = await ask(`Password of ${username} at ${new URL(origin).host}`, 'secret');
	const answer = await api
		.post('/auth/login', { username, password }, z.union([CodeNeeded, User]))
		.catch(async (error: unknown) => {
			throw await withOtherWays(api, error);
		});
	const me =
		'second_factor' in answer ? await api.post('/auth/code', { code: await ask('Code', 'secret') }, User) : answer;
	try {
		return await work(api, me);
	} finally {
		await api.post('/auth/logout', {}, z.null());
	}
}

/** Where there is a provider, a password that was right elsewhere may not be one here. */
async function withOtherWays(api: Client, error: unknown): Promise<unknown> {
	if (!(error instanceof ApiError) || error.status !== 401) return error;
	const { oidc } = await api.get('/auth/methods', SignInMethods);
	const hint = oidc ? `Whoever comes in by ${oidc.label} makes a token in their profile: uhub login HUB --token -` : '';
	return new Failure(sentence(error, hint), Exit.notSignedIn);
}
