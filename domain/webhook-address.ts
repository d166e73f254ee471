import { isPublicHost } from './public-url.ts';

const CIDR = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$|^([0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\/(\d{1,3})$/;

/** The networks an admin allows webhooks to reach, from `10.0.0.0/8, fd00::/8`. Null: it is not such a list. */
export function networksIn(text: string | undefined): string[] | null {
	const all = (text ?? '').split(/[\s,]+/).filter(Boolean);
	return all.every(isNetwork) ? all : null;
}

function isNetwork(text: string): boolean {
	const found = CIDR.exec(text);
	if (!found) return false;
	const [, four, bits4, six, bits6] = found;
	if (four !== undefined) return Number(bits4) <= 32 && four.split('.').every((part) => Number(part) <= 255);
	return Number(bits6) <= 128 && URL.canParse(`http://[${six ?? ''}]/`);
}

const number4 = (address: string): number => address.split('.').reduce((all, part) => all * 256 + Number(part), 0);

function holds4(network: string, address: string): boolean {
	const [first = '', bits = '32'] = network.split('/');
	const size = 2 ** (32 - Number(bits));
	return Math.floor(number4(first) / size) === Math.floor(number4(address) / size);
}

/**
 * Whether a webhook may lead there, as far as the address says: to the open internet by https, or into a network that an admin
 * allows, by http too. What a name resolves to is looked at when the connection is made (docs/integrations.md).
 */
export function isAllowedAddress(text: string, networks: readonly string[]): boolean {
	if (!URL.canParse(text)) return false;
	const { protocol, hostname } = new URL(text);
	if (protocol === 'https:' && isPublicHost(hostname)) return true;
	if (protocol !== 'https:' && protocol !== 'http:') return false;
	if (hostname.startsWith('[')) return networks.some((network) => network.includes(':'));
	if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname))
		return networks.some((network) => !network.includes(':') && holds4(network, hostname));
	// A name that only this network knows: the network it leads to decides.
	return networks.length > 0 && !isPublicHost(hostname);
}
