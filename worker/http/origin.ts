import type { MiddlewareHandler } from 'hono';
import { DomainError } from '#domain/errors.ts';
import { bearerOf } from './bearer.ts';
import type { AppEnv } from './context.ts';
import { sessionToken } from './session-cookie.ts';

/**
 * A cookie is sent by the browser whoever wrote the page, so a change made with one must name this hub as its origin.
 * Without a cookie (an agent, the first sign-in of a program) no origin is needed, but a foreign one is refused all the same.
 * A token no browser sends by itself: with one, the origin says nothing.
 */
export const sameOrigin: MiddlewareHandler<AppEnv> = async (c, next) => {
	if (c.req.method !== 'GET' && c.req.method !== 'HEAD' && bearerOf(c.req.raw) === null) {
		const origin = c.req.header('origin');
		if (origin === undefined ? sessionToken(c) !== undefined : origin !== new URL(c.req.url).origin)
			throw new DomainError('forbidden', "Not allowed: a change must carry this hub's own Origin header.");
	}
	await next();
};
