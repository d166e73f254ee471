import { type Client, clientOf } from '#client/client.ts';
import { hubAddress } from '#domain/hub-address.ts';
import type { Environment } from './command.ts';
import { type Account, readAccount } from './config.ts';
import { Exit, Failure, usage } from './failure.ts';
import { VERSION } from './version.ts';

/** A hub that one is signed in to. */
export interface Hub {
	origin: string;
	token: string;
	api: Client;
	/** Null where the token came from the environment. */
	account: Account | null;
}

/** The hub's origin. Throws `Failure` for an address at which a password or a token could be read on its way. */
export function originOf(text: string, insecure: boolean): string {
	const found = hubAddress(text, insecure);
	if ('url' in found) return found.url.origin;
	throw found.wrong === 'address'
		? usage(`"${text}" is not a hub's address: expected https://host, or http://127.0.0.1:port.`)
		: usage(
				`${found.origin} is not encrypted: whoever is in between could read what is sent. Use https, or --insecure if you accept that.`,
			);
}

/** What is sent to one hub goes to no other: who answers with another address is not the hub that was named. */
export const fetchFrom =
	(more: () => Record<string, string> = () => ({})): typeof fetch =>
	(input, init) =>
		fetch(input, {
			...init,
			headers: { ...Object.fromEntries(new Headers(init?.headers)), 'user-agent': `uhub/${VERSION}`, ...more() },
			redirect: 'error',
		});

export const withToken = (origin: string, token: string): Client =>
	clientOf({ hub: origin, headers: { authorization: `Bearer ${token}` }, fetch: fetchFrom() });

/** As `UHUB_URL` and `UHUB_TOKEN` say, else as whoever signed in here. */
export async function hubOf(env: Environment): Promise<Hub> {
	const { UHUB_URL: url, UHUB_TOKEN: given, UHUB_INSECURE } = env;
	if (given) {
		if (!url) throw usage('UHUB_TOKEN is for the hub that UHUB_URL names: set both.');
		const origin = originOf(url, UHUB_INSECURE === '1');
		return { origin, token: given, api: withToken(origin, given), account: null };
	}
	const account = await readAccount(env);
	if (account === null) throw new Failure('Not signed in. Sign in: uhub login HUB', Exit.notSignedIn);
	const { hub, insecure, token } = account;
	const origin = originOf(hub, insecure);
	if (url && originOf(url, insecure) !== origin)
		throw new Failure(`Signed in at ${origin}, and not at UHUB_URL (${url}).`, Exit.notSignedIn);
	return { origin, token, api: withToken(origin, token), account };
}
