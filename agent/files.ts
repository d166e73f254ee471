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
