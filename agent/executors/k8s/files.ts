import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
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

/** All the files of a run. Throws `NotPrepared` where a pod cannot be handed them. */
export async function filesOf(dir: string, secrets: string | null): Promise<RunFile[]> {
	const files: RunFile[] = [];
	let size = 0;
	for (const [of, root] of [['dir', dir] as const, ...(secrets === null ? [] : [['secrets', secrets] as const])])
		for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
			if (entry.isDirectory()) continue;
			const file = path.join(entry.parentPath, entry.name);
			const below = path.relative(root, file);
			if (!entry.isFile()) throw no(`${below} is a link, which a pod cannot be handed`);
			const { mode, size: length } = await stat(file);
			size += length;
			if (size > BYTES_MAX) throw no('its files are more than the 1 MiB that a pod can be handed');
			if (files.length === FILES_MAX) throw no(`its files are more than ${String(FILES_MAX)}`);
			const key = `f${String(files.length + 1)}`;
			files.push({ key, of, path: below, executable: (mode & 0o100) !== 0, bytes: await readFile(file) });
		}
	return files;
}

const no = (why: string): NotPrepared => new NotPrepared(why);
