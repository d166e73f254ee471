import { HOSTS_MAX } from '#domain/inventory.ts';
import { NotAnInventory } from './budget.ts';

// How Ansible reads `name`, `name:port` and `name[01:50]` (its parsing/utils/addresses.py and plugins/inventory).

const hex = String.raw`(?:[0-9a-f]{1,4}|\[(?:[0-9a-f]{1,4}:[0-9a-f]{1,4})(?::[0-9]+)?\])`;
const alnum = String.raw`\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]`;
const label = String.raw`(?:[\p{L}\p{N}_]|${alnum})(?:[\p{L}\p{N}_-]|${alnum})*(?<![_-])`;
const hostname = new RegExp(String.raw`^${label}(?:\.${label})*$`, 'iu');
const ipv6 = new RegExp(
	`^(?:${[
		`(?:${hex}:){7}${hex}`,
		`(?:${hex}:){1,6}:`,
		...[1, 2, 3, 4, 5, 6].map((n) => `(?:${hex}:){${String(n)}}(?::${hex}){1,${String(7 - n)}}`),
		`:(?::${hex}){1,6}`,
		`${hex}?::`,
	].join('|')})$`,
	'i',
);

/** Names longer than that are none, whatever the patterns would make of them. */
const PATTERN_MAX = 500;

/** A host as it is written: its names, ranges counted out, and the port that goes with them. */
export function hostsOf(pattern: string): { names: string[]; port: number | null } {
	if (pattern.length > PATTERN_MAX) throw new NotAnInventory('has a host with too long a name');
	const { name, port } = address(pattern);
	return { names: name.includes('[') ? expand(name) : [name], port };
}

function address(pattern: string): { name: string; port: number | null } {
	const bracketed = /^\[(.+)\]:([0-9]+)$/.exec(pattern);
	const plain = bracketed ?? /^((?:[^:[\]]|\[[^\]]*\])*):([0-9]+)$/.exec(pattern);
	const name = plain?.[1] ?? pattern;
	// What is no name and no address is taken as it stands, port and all.
	if (!ipv6.test(name) && !hostname.test(name)) return { name: pattern, port: null };
	return { name, port: plain ? Number(plain[2]) : null };
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
