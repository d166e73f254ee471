import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from 'ssh2';
import type { Seen, Task } from '../contract.ts';
import { HostFailure } from './failure.ts';
import { ask } from './remote.ts';
import { line } from './wrapper.ts';

/** Files sent at the same time on one connection: a server takes ten commands at once, as it comes. */
const AT_ONCE = 4;
const exits = { taken: 91, no_memory: 92, unwritten: 93 } as const;

/** A run's directory and its secrets' on another host: made anew, for its account alone, and removed at its end. */
export class RemoteFiles {
	readonly #client: Client;
	readonly #places: Seen;

	constructor(client: Client, places: Seen) {
		this.#client = client;
		this.#places = places;
	}

	/** Sends what the run has here. Ends early when `stopped` is. Throws `HostFailure`. */
	async put({ dir, secrets }: Pick<Task, 'dir' | 'secrets'>, stopped: AbortSignal): Promise<void> {
		const places = this.#places;
		const files = [
			...(await filesIn(dir)).map((file) => ({
				file,
				to: path.posix.join(places.dir, path.basename(file)),
				mode: '700',
			})),
			...(secrets === null ? [] : await filesIn(secrets)).map((file) => ({
				file,
				to: path.posix.join(places.secrets, path.basename(file)),
				mode: '600',
			})),
		];
		const make = [
			'umask 077',
			`mkdir ${places.dir} || exit ${String(exits.taken)}`,
			...(secrets === null
				? []
				: [
						`grep -q " /dev/shm tmpfs " /proc/mounts || exit ${String(exits.no_memory)}`,
						`mkdir ${places.secrets} || exit ${String(exits.taken)}`,
					]),
		].join('; ');
		// The directories come with the first file: one way there and back less.
		const [first, ...rest] = files;
		await this.#send(first ?? null, stopped, make);
		const next = rest.values();
		const sender = async () => {
			for (const file of next) await this.#send(file, stopped, 'umask 077');
		};
		await Promise.all(Array.from({ length: Math.min(AT_ONCE, rest.length) }, sender));
	}

	/** Throws `HostFailure`. */
	async remove(): Promise<void> {
		const { dir, secrets } = this.#places;
		const { code, stderr } = await ask(this.#client, line(`cd /; rm -rf ${dir} ${secrets}`));
		if (code !== 0)
			throw new HostFailure('host_unreachable', `${dir} or ${secrets} could not be removed: ${stderr.trim()}`);
	}

	async #send(
		one: { file: string; to: string; mode: string } | null,
		stopped: AbortSignal,
		before: string,
	): Promise<void> {
		const write = one ? `; cat > ${one.to} && chmod ${one.mode} ${one.to} || exit ${String(exits.unwritten)}` : '';
		const input = one ? createReadStream(one.file, { signal: stopped }) : null;
		const { code, stderr } = await ask(this.#client, line(before + write), input);
		const said = stderr.trim().split('\n').at(-1) ?? '';
		if (code === exits.no_memory)
			throw new HostFailure(
				'secret_unavailable',
				'Secrets are handed over in /dev/shm, which the host does not have as memory.',
			);
		if (code !== 0)
			throw new HostFailure('start_failed', `The host did not take the run's files: ${said || 'it says nothing'}.`);
	}
}

const filesIn = async (dir: string): Promise<string[]> =>
	(await readdir(dir, { withFileTypes: true })).filter((one) => one.isFile()).map((one) => path.join(dir, one.name));
