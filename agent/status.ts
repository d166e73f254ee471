import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { Id, Time } from '#domain/common.ts';
import { type Home, parseJson } from './config.ts';

/** What a running agent leaves for `status`. */
export const Status = z.object({
	pid: z.int(),
	/** Since when it is so. */
	since: Time,
	hub: z.string(),
	/** By what; null while it is not. */
	connected: z.enum(['websocket', 'long-poll']).nullable(),
	runs: z.array(z.object({ run_id: Id, epoch: z.int(), phase: z.string() })),
});
export type Status = z.infer<typeof Status>;

/** Whole or not at all for whoever reads it; not synced, since it means nothing after a power cut. */
export async function writeStatus(home: Home, status: Status): Promise<void> {
	const draft = `${home.status}.new`;
	await writeFile(draft, `${JSON.stringify(status)}\n`, { mode: 0o600 });
	await rename(draft, home.status);
}

/** Null when no agent has run here, or what it left cannot be read. */
export async function readStatus(home: Home): Promise<Status | null> {
	const text = await readFile(home.status, 'utf8').catch(() => '');
	return Status.safeParse(parseJson(text)).data ?? null;
}
