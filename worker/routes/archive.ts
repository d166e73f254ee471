import { Hono } from 'hono';
import { z } from 'zod';
import { ArchiveQuery, ImportLinesQuery, ImportState, PART_MAX } from '#domain/archive.ts';
import { DomainError } from '#domain/errors.ts';
import { FirstAdmin, User } from '#domain/user.ts';
import { row } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { attachment, UNTRUSTED_CSP } from '#worker/http/headers.ts';
import { json, query } from '#worker/http/input.ts';
import { giveSession } from '#worker/http/session-cookie.ts';
import { logsOf } from '#worker/live.ts';
import { exportArchive } from '#worker/services/archive/export.ts';
import { finishImport } from '#worker/services/archive/finish-import.ts';
import { readImport } from '#worker/services/archive/import-row.ts';
import { startImport } from '#worker/services/archive/start-import.ts';
import { takeLines } from '#worker/services/archive/take-lines.ts';
import { passwords } from '#worker/services/session/passwords.ts';

async function* partOf(request: Request): AsyncGenerator<Uint8Array> {
	const tooLarge = () => new DomainError('too_large', `At most ${String(PART_MAX)} bytes may be sent at once.`);
	if (Number(request.headers.get('content-length') ?? 0) > PART_MAX) throw tooLarge();
	let size = 0;
	for await (const bytes of (request.body ?? []) as AsyncIterable<Uint8Array>) {
		size += bytes.length;
		if (size > PART_MAX) throw tooLarge();
		yield bytes;
	}
}

export const archive = new Hono<AppEnv>()
	.get(
		'/export',
		describe('hub.export', 'Everything but secrets, a line a row', { media: 'application/x-ndjson' }),
		query(ArchiveQuery),
		async (c) => {
			const { ctx } = c.var;
			const body = await exportArchive(ctx, logsOf(c.env), c.env.UHUB_VERSION, c.req.valid('query'));
			return c.body(body, 200, {
				'content-type': 'application/x-ndjson',
				'content-disposition': attachment(`uhub-${new Date(ctx.now()).toISOString().slice(0, 10)}.jsonl`),
				'content-security-policy': UNTRUSTED_CSP,
			});
		},
	)
	.post(
		'/imports',
		describe('hub.import_start', 'Begin to bring an archive into an empty hub', { status: 201, schema: ImportState }),
		json(z.strictObject({})),
		async (c) => c.json(await startImport(c.var.ctx), 201),
	)
	.get('/imports/:id', describe('hub.import_read', 'How far an import has come', { schema: ImportState }), async (c) =>
		c.json(await readImport(c.var.ctx, c.req.param('id'))),
	)
	.post(
		'/imports/:id/lines',
		describe('hub.import_lines', 'Send lines of the archive, from number `from` on: whole lines, at most 8 MiB', {
			schema: ImportState,
		}),
		query(ImportLinesQuery),
		async (c) => {
			const { ctx } = c.var;
			const { from } = c.req.valid('query');
			return c.json(await takeLines(ctx, logsOf(c.env), c.req.param('id'), from, partOf(c.req.raw)));
		},
	)
	.post(
		'/imports/:id/finish',
		describe('hub.import', 'Make the lines this hub’s own, and sign in as its admin', { status: 201, schema: User }),
		json(FirstAdmin),
		async (c) => {
			const agent = c.req.header('user-agent') ?? null;
			const made = await finishImport(c.var.ctx, passwords, c.req.param('id'), c.req.valid('json'), agent);
			giveSession(c, made.session);
			return row(c, made.user, 201);
		},
	);
