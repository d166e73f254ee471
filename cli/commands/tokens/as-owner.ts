import type { Client } from '#client/client.ts';
import { text } from '../../args.ts';
import type { Tools } from '../../command.ts';
import { asPerson } from '../../session.ts';

export const ownerOptions = { username: text('NAME', 'whose tokens (default: who signed in here)') };

/** A token neither sees nor makes tokens: their owner is asked for the password. */
export async function asOwner<R>(
	username: string | undefined,
	{ hub, ask }: Tools,
	work: (api: Client) => Promise<R>,
): Promise<R> {
	const { origin, account } = await hub();
	return asPerson(origin, ask, username ?? account?.username ?? (await ask('Username')), work);
}
