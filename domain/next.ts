/** Where to go after signing in: a path of this app, never an address elsewhere. */
export function safeNext(next: string | null | undefined): string {
	// A browser drops tabs and line breaks from an address, and reads `\` as `/`.
	if (!next?.startsWith('/') || /^\/[/\\]|[\s\p{Cc}]/u.test(next)) return '/';
	const to = new URL(next, 'http://hub.invalid');
	return to.origin === 'http://hub.invalid' ? to.pathname + to.search + to.hash : '/';
}
