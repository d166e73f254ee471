import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { uniqueSymbol } from 'hono-openapi';
import { DomainError } from '#domain/errors.ts';
import type { AppEnv } from './context.ts';

/** What the documented parts of a route say of themselves: what they check, if they check anything. */
const saidBy = (handler: object): { target?: string } | undefined =>
	Reflect.get(handler, uniqueSymbol) as { target?: string } | undefined;

/** A route that says nothing of a query takes none: what else is sent with it is refused by name, as `query` does where there is one. */
export const strictQuery: MiddlewareHandler<AppEnv> = async (c, next) => {
	const names = c.req.url.includes('?') ? Object.keys(c.req.query()) : [];
	if (names.length > 0) {
		const said = matchedRoutes(c).flatMap(({ handler }) => saidBy(handler) ?? []);
		if (said.length > 0 && !said.some(({ target }) => target === 'query'))
			throw new DomainError('invalid', 'The request is not valid.', {
				errors: names.slice(0, 50).map((path) => ({ path, message: 'is not taken here' })),
			});
	}
	await next();
};
