/** Names that mean a machine or a network of one's own, and those that are kept for examples and tests of it. */
const ownNames = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|private|home\.arpa|localdomain|test|invalid)$/;

/** First address and length of the IPv4 networks that are not the open internet. */
const ownNetworks = (
	[
		['0.0.0.0', 8],
		['10.0.0.0', 8],
		['100.64.0.0', 10],
		['127.0.0.0', 8],
		['169.254.0.0', 16],
		['172.16.0.0', 12],
		['192.0.0.0', 24],
		['192.0.2.0', 24],
		['192.88.99.0', 24],
		['192.168.0.0', 16],
		['198.18.0.0', 15],
		['198.51.100.0', 24],
		['203.0.113.0', 24],
		['224.0.0.0', 3],
	] as const
).map(([first, bits]) => [number4(first), bits] as const);

function number4(address: string): number {
	return address.split('.').reduce((all, part) => all * 256 + Number(part), 0);
}

const isOwn4 = (address: string): boolean => {
	const n = number4(address);
	return ownNetworks.some(([first, bits]) => Math.floor(n / 2 ** (32 - bits)) === Math.floor(first / 2 ** (32 - bits)));
};

/** Of IPv6 only the global unicast addresses, and of those none that carries another address inside it. */
function isOwn6(address: string): boolean {
	const [first = '', second = ''] = address.split(':');
	const head = Number.parseInt(first || '0', 16);
	if (head < 0x2000 || head > 0x3fff) return true;
	if (head === 0x2002) return true;
	return head === 0x2001 && (second === '' || Number.parseInt(second, 16) < 0x200 || second === 'db8');
}

/**
 * Whether a host of the open internet is meant, as far as its name says: what a name leads to is looked at again when it is
 * called. `hostname` is as `URL` has it, which writes decimal, octal and short forms of an address out.
 */
export function isPublicHost(hostname: string): boolean {
	const host = hostname.toLowerCase().replace(/\.$/, '');
	if (host.startsWith('[')) return !isOwn6(host.slice(1, -1));
	if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return !isOwn4(host);
	return host.includes('.') && !ownNames.test(host);
}
