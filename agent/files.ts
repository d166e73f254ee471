import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import path from 'node:path';

/** Makes the names in a directory durable: a file that was synced is still gone after a power cut if its name was not. */
export async function syncDirectory(dir: string): Promise<void> {
	const handle = await open(dir, constants.O_RDONLY);
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}

/** Replaces a file whole, durably: a reader sees the old content or the new, never a part. Mode 0600. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
	const draft = `${file}.${String(process.pid)}.new`;
	const handle = await open(draft, 'w', 0o600);
	try {
		await handle.writeFile(content);
		await handle.sync();
	} finally {
		await handle.close();
	}
	await rename(draft, file);
	await syncDirectory(path.dirname(file));
}

/** Opens a file to append to, each write of which is on the disk when it resolves: one step where a write and a sync are two. */
export function openDurable(file: string): Promise<FileHandle> {
	const { O_WRONLY, O_CREAT, O_APPEND, O_DSYNC } = constants;
	return open(file, O_WRONLY | O_CREAT | O_APPEND | O_DSYNC, 0o600);
}

/** Opens a new file to append to; its bytes are on the disk when it was synced. */
export function openAnew(file: string): Promise<FileHandle> {
	const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = constants;
	return open(file, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC, 0o600);
}

/** Writes all of it, however little the disk takes at a time. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
	for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
}

/** Fills `into` from `position` on; answers how many bytes there were. */
export async function readFully(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
	let read = 0;
	while (read < into.length) {
		const { bytesRead } = await handle.read(into, read, into.length - read, position + read);
		if (bytesRead === 0) break;
		read += bytesRead;
	}
	return read;
}
