/**
 * What stands behind `Authorization: Bearer`, whatever it is: one of a wrong form is looked up as well, so that all that are no good
 * get the same answer. Null without one; other schemes (a proxy's `Basic`) are not ours.
 */
export function bearerOf(request: Request): string | null {
	const found = /^bearer(?:\s+(.*))?$/i.exec(request.headers.get('authorization') ?? '');
	return found === null ? null : (found[1] ?? '');
}
