import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isUnder } from '../../policy/paths.ts';
import { NotPrepared } from '../contract.ts';

/** What one Secret holds at most, and how many files are worth naming one by one. */
const BYTES_MAX = 1_048_576;
const FILES_MAX = 1000;

/** A file that a pod is to find, in the run's directory or among its secrets. */
export interface RunFile {
	key: string;
	of: 'dir' | 'secrets';
	/** Below that. */
	path: string;
	executable: boolean;
	bytes: Buffer;
}

/**
 * All the files of a run, and what is left out: a pod cannot be handed links, so one that leads to another of the run's files is that
 * file once more, and any other is none. Throws `NotPrepared` where they are too many or too large.
 */
export async function filesOf(dir: string, secrets: string | null): Promise<{ files: RunFile[]; leftOut: string[] }> {
	const files: RunFile[] = [];
	const leftOut: string[] = [];
	let size = 0;
	for (const [of, root] of [['dir', dir] as const, ...(secrets === null ? [] : [['secrets', secrets] as const])]) {
		const top = await realpath(root);
		for (const entry of await readdir(top, { recursive: true, withFileTypes: true })) {
			if (entry.isDirectory()) continue;
			const below = path.relative(top, path.join(entry.parentPath, entry.name));
			const file = await fileAt(path.join(top, below), top);
			if (file === null) {
				leftOut.push(below);
				continue;
			}
			const { mode, size: length } = await stat(file);
			size += length;
			if (size > BYTES_MAX) throw no('its files are more than the 1 MiB that a pod can be handed');
			if (files.length === FILES_MAX) throw no(`its files are more than ${String(FILES_MAX)}`);
			const key = `f${String(files.length + 1)}`;
			files.push({ key, of, path: below, executable: (mode & 0o100) !== 0, bytes: await readFile(file) });
		}
	}
	return { files, leftOut };
}

/** Where it really lies; null where that is no file, or not below `top`. */
async function fileAt(file: string, top: string): Promise<string | null> {
	const real = await realpath(file).catch(() => null);
	return real !== null && isUnder(real, top) && (await stat(real)).isFile() ? real : null;
}

const no = (why: string): NotPrepared => new NotPrepared(why);
