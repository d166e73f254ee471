import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import type { AppEnv } from './context.ts';

const NAME = 'uhub_session';

/** `__Host-` binds the cookie to this very host over https; a browser refuses it over plain http, which loopback is. */
const prefix = (c: Context<AppEnv>) => (new URL(c.req.url).protocol === 'https:' ? 'host' : undefined);

/** The token in the session cookie. Whether the session stands is asked with the work itself. */
export const sessionToken = (c: Context<AppEnv>): string | undefined => getCookie(c, NAME, prefix(c));

export function giveSession(c: Context<AppEnv>, session: { token: string; expires_at: string }): void {
	setCookie(c, NAME, session.token, { ...attributes(c), expires: new Date(session.expires_at) });
}

export function takeSession(c: Context<AppEnv>): void {
	setCookie(c, NAME, '', { ...attributes(c), maxAge: 0 });
}

function attributes(c: Context<AppEnv>) {
	const common = { path: '/', httpOnly: true, sameSite: 'Lax' } as const;
	return prefix(c) === 'host' ? ({ ...common, secure: true, prefix: 'host' } as const) : common;
}
