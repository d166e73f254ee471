import { chmod, chown, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Step } from '#protocol/run-spec.ts';
import type { Home } from './config.ts';
import type { Policy } from './policy/index.ts';
import { isUnder } from './policy/paths.ts';

/** Where runs get their directories: one place per agent, so that what is left there is surely its own. */
export const workspacesOf = (home: Home, policy: Policy): string =>
	policy.workspaces === null ? home.work : path.join(policy.workspaces, `uhub-${home.tag}`);

/** A run's own directory, empty at its start and gone at its end. */
export class Workspace {
	readonly dir: string;
	readonly #owner: Policy['run_as'];

	private constructor(dir: string, owner: Policy['run_as']) {
		this.dir = dir;
		this.#owner = owner;
	}

	static async create(base: string, name: string, owner: Policy['run_as']): Promise<Workspace> {
		await mkdir(base, { recursive: true, mode: owner ? 0o711 : 0o700 });
		const dir = path.join(base, name);
		await rm(dir, { recursive: true, force: true });
		await mkdir(dir, { mode: 0o700 });
		if (owner) await chown(dir, owner.uid, owner.gid);
		return new Workspace(dir, owner);
	}

	remove(): Promise<void> {
		return rm(this.dir, { recursive: true, force: true });
	}

	/** A directory of its own with one file in it; answers the directory. */
	async directory(name: string, file: string, bytes: Buffer): Promise<string> {
		const dir = path.join(this.dir, name);
		await mkdir(dir, { mode: 0o700 });
		await writeFile(path.join(dir, file), bytes, { mode: 0o600, flag: 'wx' });
		if (this.#owner)
			for (const made of [dir, path.join(dir, file)]) await chown(made, this.#owner.uid, this.#owner.gid);
		return dir;
	}

	/** Puts a script where it can be executed. `n` names it: what people call it must not choose a path. */
	put(n: number, bytes: Buffer): Promise<string> {
		return this.write(`.uhub-step-${String(n)}`, bytes, 0o700);
	}

	/** Puts a file there that was not. */
	async write(name: string, bytes: Buffer, mode = 0o600): Promise<string> {
		const file = path.join(this.dir, name);
		await writeFile(file, bytes, { mode, flag: 'wx' });
		await chmod(file, mode);
		if (this.#owner) await chown(file, this.#owner.uid, this.#owner.gid);
		return file;
	}
}

/** What runs of an earlier process of this agent left in its place for them. */
export const removeWorkspaces = (base: string): Promise<void> => rm(base, { recursive: true, force: true });

/** The program and its arguments for a script: what its first line names, or the shell. */
export function argvOf(step: Step, file: string, bytes: Uint8Array): [string, ...string[]] {
	const named = bytes[0] === 0x23 && bytes[1] === 0x21;
	return step.tool === 'shell' && !named ? ['/bin/sh', file] : [file];
}

/** The real path of a working directory; null unless it is one, and lies under a directory the policy names. */
export async function realCwd(cwd: string, policy: Policy): Promise<string | null> {
	const real = await realpath(cwd).catch(() => null);
	if (real === null) return null;
	const roots = await Promise.all(policy.cwd.map((root) => realpath(root).catch(() => null)));
	return roots.some((root) => root !== null && isUnder(real, root)) ? real : null;
}
