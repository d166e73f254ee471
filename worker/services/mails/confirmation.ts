import { z } from 'zod';
import type { Sealer } from '../sealed.ts';

const PURPOSE = 'mail address';
const GOOD_FOR_MS = 86_400_000;

const Sealed = z.strictObject({ email: z.string(), until: z.number() });

/** What the link in a mail carries: only the hub can make it, for this person and this address, and it is good for a day. */
export const confirmation = (sealer: Sealer, user_id: number, email: string, asked_at: number): Promise<string> =>
	sealer.seal(PURPOSE, String(user_id), JSON.stringify({ email, until: asked_at + GOOD_FOR_MS }));

/** The address that it confirms; null: it was not made here for this person, or is over. */
export async function confirmedBy(sealer: Sealer, user_id: number, token: string, now: number): Promise<string | null> {
	const text = await sealer.open(PURPOSE, String(user_id), token);
	const { data } = Sealed.safeParse(text === null ? null : JSON.parse(text));
	return data && data.until > now ? data.email : null;
}
