import { type GlobPiece, globPiece, globTest } from './glob.ts';
import { hostAddress } from './host-address.ts';
import type { GroupsJson } from './inventory.ts';

// Which hosts of an inventory a `--limit` means: what Ansible's inventory/manager.py does with it.

/** A limit that cannot be followed; the message says why. */
export class BadPattern extends Error {
	readonly why: 'nothing' | 'sign' | 'regex' | 'place';

	constructor(why: BadPattern['why'], message: string) {
		super(message);
		this.why = why;
	}
}

/** The hosts that are meant, in the inventory's order; none where nothing matches. Without a limit all of them. Throws `BadPattern`. */
export function hostsMeant(groups: GroupsJson, limit: string | null): string[] {
	const inventory = new Groups(groups);
	const all = inventory.hostsOf('all');
	if (limit === null) return all;
	const meant = inventory.meant(inOrder(split(limit)));
	return all.filter((host) => meant.has(host));
}

/** Commas separate patterns; without one, colons do, unless the whole is one address or one range. */
function split(text: string): string[] {
	const parts = text.includes(',')
		? text.split(',')
		: hostAddress(text)
			? [text]
			: (text.match(/(?:[^\s:[\]]|\[[^\]]*\])+/g) ?? []);
	const patterns = parts.map((part) => part.trim()).filter((part) => part !== '');
	// Ansible takes nothing, or a lone bracket, for everything: nobody means that.
	if (patterns.length === 0) throw new BadPattern('nothing', 'names no host and no group');
	return patterns;
}

/** First what is taken, then `&` what of it stays, then `!` what of it goes, however they were written. */
function inOrder(patterns: readonly string[]): string[] {
	const begins = (mark: string) => patterns.filter((p) => p.startsWith(mark));
	const plain = patterns.filter((p) => !/^[&!]/.test(p));
	return [...(plain.length > 0 ? plain : ['all']), ...begins('&'), ...begins('!')];
}

class Groups {
	readonly #groups: GroupsJson;
	readonly #names: readonly string[];
	readonly #hosts: readonly string[];
	readonly #isHost: ReadonlySet<string>;

	constructor(groups: GroupsJson) {
		this.#groups = groups;
		const named = Object.entries(groups).filter(([name]) => name !== '_meta');
		// A group with nothing in it is only named by the one it hangs under.
		this.#names = [...new Set(['all', ...named.flatMap(([name, { children = [] }]) => [name, ...children])])];
		this.#hosts = this.hostsOf('all');
		this.#isHost = new Set(this.#hosts);
	}

	/** The group's own hosts, then those of its children, of theirs, and so on. */
	hostsOf(group: string): string[] {
		const hosts = new Set<string>();
		const seen = new Set([group]);
		for (const name of seen) {
			const { hosts: own = [], children = [] } = (Object.hasOwn(this.#groups, name) && this.#groups[name]) || {};
			for (const host of own) hosts.add(host);
			for (const child of children) seen.add(child);
		}
		return [...hosts];
	}

	meant(patterns: readonly string[]): Set<string> {
		let meant = new Set<string>();
		for (const pattern of patterns) {
			const mark = /^[&!]/.exec(pattern)?.[0] ?? '';
			const found = this.#isHost.has(pattern) ? new Set([pattern]) : this.#match(pattern.slice(mark.length));
			if (mark === '') meant = new Set([...meant, ...found]);
			else meant = new Set([...meant].filter((host) => found.has(host) === (mark === '&')));
		}
		return meant;
	}

	#match(pattern: string): Set<string> {
		if (pattern === '') throw new BadPattern('sign', '& and ! stand before the name of a host or a group');
		if (pattern.startsWith('~')) throw new BadPattern('regex', 'regular expressions (~) are not taken here');
		const { name, part } = subscripted(pattern);
		const matches = globTest(piecesOf(Array.from(name)));
		const groups = this.#names.filter(matches);
		const found = groups.flatMap((group) => this.hostsOf(group));
		if (groups.length === 0 || /[.?*[]/.test(name)) found.push(...this.#hosts.filter(matches));
		const hosts = [...new Set(found)];
		if (part === null || hosts.length === 0) return new Set(hosts);
		if ('at' in part) {
			const host = hosts.at(part.at);
			if (host === undefined) throw new BadPattern('place', `${pattern} names a place that there is not`);
			return new Set([host]);
		}
		return new Set(hosts.slice(part.from, part.to === null ? undefined : part.to + 1));
	}
}

/** `group[0]`, `group[-1]`, `group[1:3]`, `group[2:]`: some of what matches, by place. */
function subscripted(pattern: string): {
	name: string;
	part: { at: number } | { from: number; to: number | null } | null;
} {
	const match = /^(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]$/.exec(pattern);
	if (!match) return { name: pattern, part: null };
	const [, name = '', at, from, to = ''] = match;
	if (at !== undefined) return { name, part: { at: Number(at) } };
	if (to === '') return { name, part: { from: Number(from), to: null } };
	// Ansible takes an end of 0 for none at all.
	return { name, part: Number(to) === 0 ? { at: Number(from) } : { from: Number(from), to: Number(to) } };
}

/** A glob as Python's fnmatch reads it: `*`, `?`, `[seq]`, `[!seq]`. */
function piecesOf(glob: readonly string[]): GlobPiece[] {
	const pieces: GlobPiece[] = [];
	for (let i = 0; i < glob.length; i++) {
		const c = glob[i] ?? '';
		// The first character of a set may be the bracket itself.
		const end = c === '[' ? glob.indexOf(']', i + (glob[i + 1] === '!' ? 3 : 2)) : -1;
		if (end === -1) pieces.push(globPiece(c));
		else {
			pieces.push(setOf(glob.slice(i + 1, end)));
			i = end;
		}
	}
	return pieces;
}

function setOf(inside: readonly string[]): (c: string) => boolean {
	const negated = inside[0] === '!';
	const set = negated ? inside.slice(1) : inside;
	const ranges: [string, string][] = [];
	for (let i = 0; i < set.length; i++) {
		const from = set[i] ?? '';
		const to = set[i + 2];
		if (set[i + 1] === '-' && to !== undefined) {
			ranges.push([from, to]);
			i += 2;
		} else ranges.push([from, from]);
	}
	return (c) => ranges.some(([from, to]) => from <= c && c <= to) !== negated;
}
