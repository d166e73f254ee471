/** Where to go after signing in: a path of this app, never an address elsewhere. */
export function safeNext(next: string | null): string {
	if (!next?.startsWith('/') || /^\/[/\\]/.test(next) || /[\u0000-\u001f]/.test(next)) return '/';
	const to = new URL(next, 'http://hub.invalid');
	return to.origin === 'http://hub.invalid' ? to.pathname + to.search + to.hash : '/';
}
