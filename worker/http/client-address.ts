/**
 * The address a request came from, for limits and for the audit. Never from a header a client can write: Cloudflare sets
 * CF-Connecting-IP itself, and the local runtime reports its connection's peer (docs/adr/0002-local-launcher.md).
 */
export function clientAddress(request: Request, env: { UHUB_LOCAL?: string }): string {
	if (env.UHUB_LOCAL !== '1') return request.headers.get('cf-connecting-ip') ?? 'unknown';
	const peer = (request.cf as { clientIp?: string } | undefined)?.clientIp ?? 'unknown';
	return withoutPort(peer);
}

/** `127.0.0.1:4711` or `[::1]:4711`: the port differs with every connection and says nothing. */
function withoutPort(peer: string): string {
	const bracketed = /^\[(.*)\](?::\d+)?$/.exec(peer);
	return bracketed?.[1] ?? peer.replace(/^([^:]*):\d+$/, '$1');
}
