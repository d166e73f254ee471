import { z } from 'zod';
import { Id } from '#domain/common.ts';
import type { Touch } from '#protocol/browser.ts';
import type { Ctx } from '../context.ts';

const Written = z.object({ user_id: Id, mail_due_at: z.iso.datetime().nullable() });

/** What was written in a batch for webhooks and people goes on from here. Gives whose open pages are to know. */
export function pass(ctx: Ctx, results: readonly unknown[]): Touch[] {
	const rows = results.flatMap((result): unknown[] => (Array.isArray(result) ? result : []));
	const notes = rows.flatMap((row) => Written.safeParse(row).data ?? []);
	// A row that is no notification is a delivery; a mail that need not wait for others goes out as well.
	const due = notes.some(({ mail_due_at }) => mail_due_at !== null && Date.parse(mail_due_at) <= ctx.now());
	if (due || rows.length > notes.length) ctx.after(ctx.deliver());
	return [...new Set(notes.map(({ user_id }) => user_id))].map((user_id) => ({ kind: 'notification', user_id }));
}
