import { constants } from 'node:fs';
import {
	chmod,
	chown,
	lstat,
	mkdir,
	mkdtemp,
	open,
	readdir,
	readFile,
	realpath,
	rm,
	statfs,
	writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { MASK_MIN } from './mask.ts';
import { fromEnv, SECRET_MAX_BYTES, SecretUnavailable } from './own-secret.ts';
import type { Policy } from './policy/index.ts';
import { isUnder } from './policy/paths.ts';
import { secretAllowed, secretRoots } from './policy/secrets.ts';
import type { Vault } from './vault.ts';

const TMPFS_MAGIC = 0x01021994;
/** Memory, not disk: what is written here is never in a backup or on a stolen drive. */
const TMPFS = '/dev/shm';

/** The value behind a reference, if the policy gives it to the project. Throws `SecretUnavailable`. */
export async function resolveSecret(
	ref: string,
	project_id: number,
	policy: Policy,
	vault: Vault | null,
): Promise<Buffer> {
	if (!secretAllowed(ref, project_id, policy)) throw new SecretUnavailable(`${ref} is not given to this project`);
	const value = await valueOf(ref, project_id, policy, vault);
	if (value.toString('latin1').trim().length < MASK_MIN)
		throw new SecretUnavailable(
			`${ref} is shorter than ${String(MASK_MIN)} characters, which cannot be kept out of the log`,
		);
	return value;
}

async function valueOf(ref: string, project_id: number, policy: Policy, vault: Vault | null): Promise<Buffer> {
	if (ref.startsWith('env:')) return fromEnv(ref);
	if (ref.startsWith('file:')) return fromFile(ref, secretRoots(project_id, policy));
	if (!vault) throw new SecretUnavailable(`${ref}: the agent's policy names no Vault`);
	return vault.read(ref);
}

async function fromFile(ref: string, roots: readonly string[]): Promise<Buffer> {
	const file = ref.slice('file:'.length);
	try {
		const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
		try {
			// Where it really is, once it is open: a link inside an allowed directory must not lead out of it.
			const at = await realpath(`/proc/self/fd/${String(handle.fd)}`);
			const real = await Promise.all(roots.map((root) => realpath(root).catch(() => null)));
			if (!real.some((root) => root !== null && isUnder(at, root)))
				throw new SecretUnavailable(`${ref} leads out of what the policy gives`);
			const { size } = await handle.stat();
			if (size > SECRET_MAX_BYTES) throw new SecretUnavailable(`${ref} is larger than 64 KiB`);
			return await handle.readFile();
		} finally {
			await handle.close();
		}
	} catch (error) {
		if (error instanceof SecretUnavailable) throw error;
		throw new SecretUnavailable(`${ref} cannot be read on the agent`);
	}
}

/** Whether this host has memory to hand secrets over in. */
export const hasTmpfs = (): Promise<boolean> =>
	statfs(TMPFS).then(
		({ type }) => type === TMPFS_MAGIC,
		() => false,
	);

/** Where an agent hands secrets over; each agent of a user has its own, named by its tag. */
const baseOf = (tag: string): string => path.join(TMPFS, `uhub-agent-${String(process.getuid?.() ?? 0)}-${tag}`);

/** Nobody's number, on any host. */
const SOMEBODY_ELSE = 2_147_483_646;
/** Within the run's own directory: what is handed over where the run's processes are not of this host. */
const INNER = 'files';

/**
 * Files in memory, one per secret. Where the run's processes are of this host, only their user can read them. Where they see them
 * elsewhere (`elsewhere`), any user can who sees them, and on this host only the agent's own does: the directory above is closed to others.
 */
export class SecretFiles {
	readonly dir: string;
	readonly #elsewhere: boolean;
	readonly #owner: Policy['run_as'];

	private constructor(dir: string, elsewhere: boolean, owner: Policy['run_as']) {
		this.dir = dir;
		this.#elsewhere = elsewhere;
		this.#owner = owner;
	}

	/** Throws `SecretUnavailable` where there is no memory to put them in: they must not touch a disk. */
	static async create(tag: string, elsewhere: boolean, run_as: Policy['run_as']): Promise<SecretFiles> {
		if (!(await hasTmpfs()))
			throw new SecretUnavailable(`secrets are handed over in ${TMPFS}, which this host does not have as memory`);
		const base = baseOf(tag);
		await mkdir(base, { mode: 0o711 }).catch(() => undefined);
		// Anyone can make directories there: ours must be a real one, and ours.
		const found = await lstat(base);
		if (!found.isDirectory() || found.uid !== process.getuid?.())
			throw new SecretUnavailable(`${base} is not the agent's own directory`);
		await chmod(base, 0o711);
		const dir = await mkdtemp(path.join(base, 'run-'));
		if (elsewhere) {
			const inner = path.join(dir, INNER);
			await mkdir(inner);
			await chmod(inner, 0o755);
			return new SecretFiles(inner, true, null);
		}
		if (run_as) await chown(dir, run_as.uid, run_as.gid);
		return new SecretFiles(dir, false, run_as);
	}

	/** Those of a run that an earlier process of this agent began, and their values in the order they were put; null: they are gone. */
	static async reopen(dir: string): Promise<{ files: SecretFiles; values: Buffer[] } | null> {
		const names = await readdir(dir).catch(() => []);
		if (names.length === 0) return null;
		const values = names.map(Number).sort((a, b) => a - b);
		return {
			files: new SecretFiles(dir, true, null),
			values: await Promise.all(values.map((name) => readFile(path.join(dir, String(name))))),
		};
	}

	/** Answers the file's path. */
	async put(name: string, value: Buffer): Promise<string> {
		const file = path.join(this.dir, name);
		await writeFile(file, value, { mode: 0o400, flag: 'wx' });
		if (this.#elsewhere) {
			await chmod(file, 0o444);
			// A key that others can read is one to ssh only where it is somebody else's.
			if (process.getuid?.() === 0) await chown(file, SOMEBODY_ELSE, SOMEBODY_ELSE);
		}
		if (this.#owner) await chown(file, this.#owner.uid, this.#owner.gid);
		return file;
	}

	remove(): Promise<void> {
		return rm(this.#elsewhere ? path.dirname(this.dir) : this.dir, { recursive: true, force: true });
	}

	/** What an earlier process of this agent left there, but for those of runs it goes on with. */
	static async sweep(tag: string, keep: readonly string[]): Promise<void> {
		const base = baseOf(tag);
		const kept = keep.map((dir) => path.dirname(dir));
		const found = await readdir(base).catch(() => []);
		const left = found.map((name) => path.join(base, name)).filter((dir) => !kept.includes(dir));
		await Promise.all(left.map((dir) => rm(dir, { recursive: true, force: true })));
		if (kept.length === 0) await rm(base, { recursive: true, force: true });
	}
}
