import { hostAddress } from '#domain/host-address.ts';
import { HOSTS_MAX } from '#domain/inventory.ts';
import { NotAnInventory } from './budget.ts';

// How Ansible reads `name`, `name:port` and `name[01:50]` (its plugins/inventory).

/** Names longer than that are none, whatever the patterns would make of them. */
const PATTERN_MAX = 500;

/** A host as it is written: its names, ranges counted out, and the port that goes with them. */
export function hostsOf(pattern: string): { names: string[]; port: number | null } {
	if (pattern.length > PATTERN_MAX) throw new NotAnInventory('has a host with too long a name');
	// What is no name and no address is taken as it stands, port and all.
	const { name, port } = hostAddress(pattern) ?? { name: pattern, port: null };
	return { names: name.includes('[') ? expand(name) : [name], port };
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

function expand(pattern: string): string[] {
	let done = [''];
	let rest = pattern;
	while (rest.includes('[')) {
		const range = /^([^[\]|]*)\[([^[\]|]*)\]/.exec(rest);
		if (!range) throw new NotAnInventory(`${pattern} is not a range of hosts`);
		const [whole, head = '', bounds = ''] = range;
		const parts = sequence(bounds);
		if (done.length * parts.length > HOSTS_MAX)
			throw new NotAnInventory(`${pattern} names more than ${String(HOSTS_MAX)} hosts`);
		done = done.flatMap((before) => parts.map((part) => before + head + part));
		rest = rest.slice(whole.length);
	}
	return done.map((name) => name + rest);
}

/** `begin:end` or `begin:end:step`, of letters or of numbers; a leading zero keeps the width. */
function sequence(bounds: string): string[] {
	const [first = '', last, by = '1', ...more] = bounds.split(':');
	if (last === undefined || more.length > 0) throw new NotAnInventory('a range is begin:end or begin:end:step');
	if (last === '') throw new NotAnInventory('a range needs its end');
	const begin = first === '' ? '0' : first;
	const width = begin.length > 1 && begin.startsWith('0') ? begin.length : 0;
	if (width > 0 && width !== last.length)
		throw new NotAnInventory('a range with leading zeros has both ends of one length');
	const step = whole(by);
	const [from, to] = [letters.indexOf(begin), letters.indexOf(last)];
	if (from >= 0 && to >= 0) {
		if (from > to) throw new NotAnInventory('a range begins before it ends');
		return [...letters.slice(from, to + 1)].filter((_, n) => n % step === 0);
	}
	const [start, end] = [whole(begin, 0), whole(last, 0)];
	const count = end < start ? 0 : Math.floor((end - start) / step) + 1;
	if (count > HOSTS_MAX) throw new NotAnInventory(`a range of more than ${String(HOSTS_MAX)} hosts`);
	return Array.from({ length: count }, (_, n) => String(start + n * step).padStart(width, '0'));
}

function whole(text: string, least = 1): number {
	const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
	if (!(number >= least)) throw new NotAnInventory(`${text} is not a number a range can take`);
	return number;
}
