import { open } from 'node:fs/promises';

export const SECRET_MAX_BYTES = 65_536;

/** A secret is not to be had. The message names the reference, never the value. */
export class SecretUnavailable extends Error {}

export function fromEnv(ref: string): Buffer {
	const value = process.env[ref.slice('env:'.length)];
	if (value === undefined) throw new SecretUnavailable(`${ref} is not set on the agent`);
	return Buffer.from(value);
}

/** What the agent needs for itself: the policy names it, so nobody else has to allow it. Read anew each time, for it may be replaced. */
export async function ownSecret(ref: string): Promise<string> {
	const value = ref.startsWith('env:') ? fromEnv(ref) : await fileOf(ref);
	const text = value.toString().trim();
	if (text === '' || /[\r\n]/.test(text)) throw new SecretUnavailable(`${ref} is not one line`);
	return text;
}

async function fileOf(ref: string): Promise<Buffer> {
	try {
		const handle = await open(ref.slice('file:'.length));
		try {
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
