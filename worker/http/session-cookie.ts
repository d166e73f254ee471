import type { Context } from 'hono';
import { getCookie, getSignedCookie, setCookie, setSignedCookie } from 'hono/cookie';
import type { AppEnv } from './context.ts';

// The value is the session's token and an HMAC of it: who reads the table of sessions still cannot make a cookie.

const NAME = 'uhub_session';

/** `__Host-` binds the cookie to this very host over https; a browser refuses it over plain http, which loopback is. */
const prefix = (c: Context<AppEnv>) => (new URL(c.req.url).protocol === 'https:' ? 'host' : undefined);

/** The token of a well-signed session cookie, or null. Whether the session still stands is asked with the work itself. */
export async function sessionToken(c: Context<AppEnv>): Promise<string | null> {
	return (await getSignedCookie(c, c.env.UHUB_SECRET, NAME, prefix(c))) || null;
}

/** Whether any session cookie came along, good or bad: what a browser would send by itself. */
export const hasSessionCookie = (c: Context<AppEnv>): boolean => getCookie(c, NAME, prefix(c)) !== undefined;

export async function giveSession(c: Context<AppEnv>, session: { token: string; expires_at: string }): Promise<void> {
	await setSignedCookie(c, NAME, session.token, c.env.UHUB_SECRET, {
		...attributes(c),
		expires: new Date(session.expires_at),
	});
}

export function takeSession(c: Context<AppEnv>): void {
	setCookie(c, NAME, '', { ...attributes(c), maxAge: 0 });
}

function attributes(c: Context<AppEnv>) {
	const common = { path: '/', httpOnly: true, sameSite: 'Lax' } as const;
	return prefix(c) === 'host' ? ({ ...common, secure: true, prefix: 'host' } as const) : common;
}
