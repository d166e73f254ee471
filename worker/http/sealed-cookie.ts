import { getCookie, setCookie } from 'hono/cookie';
import type { z } from 'zod';
import { type Sealer, sealerOf } from '#worker/services/sealed.ts';
import type { AppContext } from './context.ts';

// What the hub remembers of a sign-in that is not over: encrypted, in the browser it is about, and gone with it. Lax, for the
// provider sends the person back from another site.

export type SealedCookie = 'uhub_oidc' | 'uhub_pending';

const prefix = (c: AppContext) => (new URL(c.req.url).protocol === 'https:' ? 'host' : undefined);

export const sealer = (c: AppContext): Sealer => sealerOf(c.env.UHUB_SECRET);

export async function giveSealed(c: AppContext, name: SealedCookie, value: { expires_at: string }): Promise<void> {
	const sealed = await sealer(c).seal('cookie', name, JSON.stringify(value));
	setCookie(c, name, sealed, { ...attributes(c), expires: new Date(value.expires_at) });
}

/** Null where there is none, or none of ours. */
export async function sealedIn<S extends z.ZodType>(
	c: AppContext,
	name: SealedCookie,
	schema: S,
): Promise<z.output<S> | null> {
	const cookie = getCookie(c, name, prefix(c));
	const text = cookie === undefined ? null : await sealer(c).open('cookie', name, cookie);
	// One that an older version sealed may say something else.
	return text === null ? null : (schema.safeParse(JSON.parse(text)).data ?? null);
}

export function takeSealed(c: AppContext, name: SealedCookie): void {
	setCookie(c, name, '', { ...attributes(c), maxAge: 0 });
}

function attributes(c: AppContext) {
	const common = { path: '/', httpOnly: true, sameSite: 'Lax' } as const;
	return prefix(c) === 'host' ? ({ ...common, secure: true, prefix: 'host' } as const) : common;
}
