import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Id, Time } from '#domain/common.ts';
import { type Home, parseJson } from './config.ts';
import { writeWhole } from './files.ts';

/** What a running agent leaves for `status`. */
export const Status = z.object({
	pid: z.int(),
	at: Time,
	hub: z.string(),
	connected: z.boolean(),
	runs: z.array(z.object({ run_id: Id, epoch: z.int(), phase: z.string() })),
});
export type Status = z.infer<typeof Status>;

export const writeStatus = (home: Home, status: Status): Promise<void> =>
	writeWhole(home.status, `${JSON.stringify(status)}\n`);

/** Null when no agent has run here, or what it left cannot be read. */
export async function readStatus(home: Home): Promise<Status | null> {
	const text = await readFile(home.status, 'utf8').catch(() => '');
	return Status.safeParse(parseJson(text)).data ?? null;
}
