/** On this very machine: nobody is in between, with TLS or without. */
export const isLoopback = (hostname: string): boolean =>
	hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);

/**
 * A hub's address as somebody typed it, without a path; or why it is none: not an address of http(s), or one at which what is said
 * could be read on its way, unless that was accepted.
 */
export function hubAddress(
	text: string,
	insecure: boolean,
): { url: URL } | { wrong: 'address' | 'unencrypted'; origin: string } {
	const url = URL.canParse(text) ? new URL(text) : null;
	if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '')
		return { wrong: 'address', origin: '' };
	if (url.protocol === 'http:' && !insecure && !isLoopback(url.hostname))
		return { wrong: 'unencrypted', origin: url.origin };
	return { url: new URL(url.origin) };
}
