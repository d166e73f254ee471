import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { FsPath, CONTENT_MAX } from '#domain/script.ts';
import { type Blob, toHex } from '#protocol/run-frames.ts';
import { isUnder } from './policy/paths.ts';

const CACHE_BYTES = 64 * 1_048_576;

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Arriving {
	bytes: Buffer;
	received: number;
	whole: boolean;
	/** Runs that wait for it. */
	users: number;
}

/** Uploaded scripts by their hash: on their way in, and kept for the next run. A kept one is checked at every use, so a tampered one is none. */
export class Scripts {
	readonly #dir: string;
	readonly #arriving = new Map<string, Arriving>();

	constructor(dir: string) {
		this.#dir = dir;
	}

	/** Those of a run's scripts that the hub must send, each once. Their content is then taken from `blob`, until `release`. */
	async missing(wanted: readonly { sha256: string; size: number }[]): Promise<string[]> {
		const need: string[] = [];
		for (const { sha256, size } of wanted) {
			if (need.includes(sha256) || (await this.#kept(sha256))) continue;
			const arriving = this.#arriving.get(sha256);
			if (arriving) arriving.users++;
			else this.#arriving.set(sha256, { bytes: Buffer.alloc(size), received: 0, whole: false, users: 1 });
			need.push(sha256);
		}
		return need;
	}

	/** A part of a script that was asked for; anything else is ignored. Parts come in order; a first part begins anew. */
	blob(part: Blob): void {
		const sha256 = toHex(part.sha256);
		const arriving = this.#arriving.get(sha256);
		if (!arriving || arriving.whole || part.total !== arriving.bytes.length) return;
		if (part.offset === 0) arriving.received = 0;
		if (part.offset !== arriving.received || part.offset + part.payload.length > part.total) return;
		arriving.bytes.set(part.payload, part.offset);
		arriving.received += part.payload.length;
		arriving.whole = arriving.received === part.total && sha256Of(arriving.bytes) === sha256;
	}

	/** Whether all of what was asked for is here. */
	arrived(need: readonly string[]): boolean {
		return need.every((sha256) => this.#arriving.get(sha256)?.whole ?? true);
	}

	/** The content with this hash; null when it never came, or is not what was promised. */
	async get(sha256: string): Promise<Buffer | null> {
		const arriving = this.#arriving.get(sha256);
		return arriving?.whole ? arriving.bytes : this.#kept(sha256);
	}

	/** The run that `missing` was asked for is over: what arrived goes to the disk. A full disk only costs the next run a download. */
	async release(need: readonly string[]): Promise<void> {
		for (const sha256 of need) {
			const arriving = this.#arriving.get(sha256);
			if (!arriving || --arriving.users > 0) continue;
			if (arriving.whole) await this.#keep(sha256, arriving.bytes);
			this.#arriving.delete(sha256);
		}
	}

	async #kept(sha256: string): Promise<Buffer | null> {
		const file = path.join(this.#dir, sha256);
		const kept = await readFile(file).catch(() => null);
		if (!kept) return null;
		if (sha256Of(kept) === sha256) {
			const now = new Date();
			await utimes(file, now, now).catch(() => undefined);
			return kept;
		}
		await rm(file, { force: true });
		return null;
	}

	async #keep(sha256: string, bytes: Buffer): Promise<void> {
		const file = path.join(this.#dir, sha256);
		try {
			await mkdir(this.#dir, { recursive: true, mode: 0o700 });
			await this.#shrink(CACHE_BYTES - bytes.length);
			await writeFile(file, bytes, { mode: 0o600 });
		} catch {
			await rm(file, { force: true });
		}
	}

	async #shrink(limit: number): Promise<void> {
		const files = await Promise.all(
			(await readdir(this.#dir)).map(async (name) => {
				const file = path.join(this.#dir, name);
				const { size, mtimeMs } = await stat(file);
				return { file, size, mtimeMs };
			}),
		);
		let total = files.reduce((sum, f) => sum + f.size, 0);
		for (const { file, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
			if (total <= limit) return;
			await rm(file, { force: true });
			total -= size;
		}
	}
}

/** Why a script from the agent's disk is not to be had; the message names the path, not what lies elsewhere. */
export class ScriptUnavailable extends Error {}

/**
 * The content of a script under a directory, and the directory it really lies in. It is opened first and asked where it is afterwards,
 * so that no link put in place between a check and the reading can lead out. Throws `ScriptUnavailable`, which calls the directory `what`.
 */
export async function readBelow(
	root: string,
	name: string,
	what: string,
): Promise<{ bytes: Buffer; dir: string; file: string; root: string }> {
	if (!FsPath.safeParse(name).success)
		throw new ScriptUnavailable(`${JSON.stringify(name)} is not a path under ${what}`);
	try {
		const realRoot = await realpath(root);
		// NONBLOCK: opening a named pipe would wait for its writer for ever.
		const handle = await open(path.join(realRoot, name), constants.O_RDONLY | constants.O_NONBLOCK);
		try {
			const found = await handle.stat();
			const at = await realpath(`/proc/self/fd/${String(handle.fd)}`);
			if (!isUnder(at, realRoot)) throw new ScriptUnavailable(`${name} leads out of ${what}`);
			if (!found.isFile()) throw new ScriptUnavailable(`${name} is not a file`);
			if (found.size > CONTENT_MAX) throw new ScriptUnavailable(`${name} is larger than 16 MiB`);
			return { bytes: await handle.readFile(), dir: path.dirname(at), file: at, root: realRoot };
		} finally {
			await handle.close();
		}
	} catch (error) {
		if (error instanceof ScriptUnavailable) throw error;
		throw new ScriptUnavailable(`${name} cannot be read under ${what}`);
	}
}
