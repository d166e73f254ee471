import { createHash, createHmac } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { wildcard } from '#domain/glob.ts';
import { codeOf } from '../../failure.ts';

const SIZE_MAX = 4 * 1_048_576;

/** The file cannot be used; the message says why. */
export class NoKnownHosts extends Error {}

interface Entry {
	revoked: boolean;
	names: (name: string) => boolean;
	type: string;
	key: Buffer;
}

export type Verdict = 'known' | 'unknown' | 'changed' | 'revoked';

/** As OpenSSH writes a host: with its port where that is not 22. */
export const hostName = (address: string, port: number): string =>
	port === 22 ? address.toLowerCase() : `[${address.toLowerCase()}]:${String(port)}`;

export const fingerprint = (key: Buffer): string =>
	`SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The kind of a public key as it travels: its first field. */
export function typeOf(key: Buffer): string {
	const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
	return length > 0 && length <= key.length - 4 ? key.subarray(4, 4 + length).toString('latin1') : 'unknown';
}

/** The host keys an operator vouches for, in a file of OpenSSH's format. Nothing is ever added to it from here. */
export class KnownHosts {
	readonly #entries: readonly Entry[];
	/** Lines that are not understood, and those of certificate authorities, which are passed over. */
	readonly ignored: readonly number[];

	private constructor(entries: readonly Entry[], ignored: readonly number[]) {
		this.#entries = entries;
		this.ignored = ignored;
	}

	/** Throws `NoKnownHosts`. */
	static async read(file: string): Promise<KnownHosts> {
		try {
			const { size } = await stat(file);
			if (size > SIZE_MAX) throw new NoKnownHosts(`${file} is larger than 4 MiB`);
			return KnownHosts.parse(await readFile(file, 'utf8'));
		} catch (error) {
			if (error instanceof NoKnownHosts) throw error;
			throw new NoKnownHosts(`${file} cannot be read (${codeOf(error)})`);
		}
	}

	static parse(text: string): KnownHosts {
		const entries: Entry[] = [];
		const ignored: number[] = [];
		for (const [n, raw] of text.split('\n').entries()) {
			const line = raw.trim();
			if (line === '' || line.startsWith('#')) continue;
			const entry = entryOf(line);
			if (entry) entries.push(entry);
			else ignored.push(n + 1);
		}
		return new KnownHosts(entries, ignored);
	}

	get size(): number {
		return this.#entries.length;
	}

	/** The kinds of keys a host is known by: what to ask it for first. */
	types(address: string, port: number): string[] {
		const name = hostName(address, port);
		return [...new Set(this.#entries.flatMap((e) => (!e.revoked && e.names(name) ? [e.type] : [])))];
	}

	verdict(address: string, port: number, key: Buffer): Verdict {
		const name = hostName(address, port);
		const of = this.#entries.filter((e) => e.names(name));
		if (of.some((e) => e.revoked && e.key.equals(key))) return 'revoked';
		const trusted = of.filter((e) => !e.revoked);
		if (trusted.some((e) => e.key.equals(key))) return 'known';
		return trusted.length > 0 ? 'changed' : 'unknown';
	}
}

function entryOf(line: string): Entry | null {
	const fields = line.split(/[ \t]+/);
	const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined;
	const [hosts = '', type = '', encoded = ''] = fields;
	const key = Buffer.from(encoded, 'base64');
	if ((marker !== undefined && marker !== '@revoked') || typeOf(key) !== type) return null;
	const names = hosts.startsWith('|') ? hashed(hosts) : listed(hosts);
	return names && { revoked: marker === '@revoked', names, type, key };
}

/** `|1|salt|hash`: the file does not tell which hosts it is about. */
function hashed(text: string): Entry['names'] | null {
	const [, version, salt = '', hash = '', more] = text.split('|');
	if (version !== '1' || more !== undefined) return null;
	const secret = Buffer.from(salt, 'base64');
	const wanted = Buffer.from(hash, 'base64');
	if (secret.length !== 20 || wanted.length !== 20) return null;
	return (name) => createHmac('sha1', secret).update(name).digest().equals(wanted);
}

/** Names with `*` and `?`, of which one must match, and none that begins with `!`. */
function listed(text: string): Entry['names'] {
	const all = text.toLowerCase().split(',').filter(Boolean);
	const not = all.filter((p) => p.startsWith('!')).map((p) => wildcard(p.slice(1)));
	const yes = all.filter((p) => !p.startsWith('!')).map(wildcard);
	return (name) => yes.some((test) => test(name)) && !not.some((test) => test(name));
}
