import { Hono } from 'hono';
import { z } from 'zod';
import { ApprovalDecide, ApprovalView } from '#domain/approval.ts';
import { pageOf } from '#domain/common.ts';
import { LogHits, LogLines, LogLinesQuery, LogSearchQuery, LogStream } from '#domain/log.ts';
import { RunCallback } from '#domain/run-callback.ts';
import { isFinal, Run, RunItem } from '#domain/run.ts';
import { posted, row, text } from '#worker/http/answer.ts';
import type { AppContext, AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { attachment, UNTRUSTED_CSP } from '#worker/http/headers.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { rangeOf } from '#worker/http/range.ts';
import { isOverOf, logsOf, reportOf } from '#worker/live.ts';
import { readApprovals } from '#worker/services/runs/approvals.ts';
import { cancelRun } from '#worker/services/runs/cancel.ts';
import { approveRun, rejectRun } from '#worker/services/runs/decide.ts';
import { listRuns, RunList } from '#worker/services/runs/list.ts';
import { enterLog, readRun } from '#worker/services/runs/read.ts';
import { reportRun } from '#worker/services/runs/report.ts';
import { retryRun } from '#worker/services/runs/start.ts';

const Wait = z.strictObject({
	/** Answer when the run is over, or after this many seconds. */
	wait: z.coerce.number().int().min(1).max(60).optional(),
});
/** How often a waiting request looks again, in milliseconds. Each look asks for the permission anew. */
const LOOK_EVERY = 250;

export const runs = new Hono<AppEnv>()
	.get(
		'/runs',
		describe('run.list', 'Runs of every project you may see', { schema: pageOf(RunItem) }),
		query(RunList),
		async (c) => text(c, await listRuns(c.var.ctx, c.req.valid('query'))),
	)
	.get('/runs/:id', describe('run.read', 'One run', { schema: Run }), idIn('run'), query(Wait), async (c) => {
		const { id } = c.req.valid('param');
		const until = Date.now() + (c.req.valid('query').wait ?? 0) * 1000;
		let run = await readRun(c.var.ctx, id);
		while (!isFinal(run.status) && Date.now() < until && !c.req.raw.signal.aborted) {
			await new Promise((done) => setTimeout(done, Math.min(LOOK_EVERY, until - Date.now())));
			run = await readRun(c.var.ctx, id);
		}
		return row(c, run);
	})
	.post(
		'/runs/:id/cancel',
		describe('run.cancel', 'Ask for a run to be stopped', { status: 202, schema: Run }),
		idIn('run'),
		json(z.strictObject({})),
		(c) => posted(c, 202, (ctx) => cancelRun(ctx, c.req.valid('param').id)),
	)
	.post(
		'/runs/:id/retry',
		describe('run.retry', 'Run again what a finished run ran', { status: 201, schema: Run }),
		idIn('run'),
		json(z.strictObject({})),
		(c) => posted(c, 201, (ctx) => retryRun(ctx, isOverOf(c.env), c.req.valid('param').id)),
	)
	.post(
		'/hooks/runs/:id',
		describe('run.report', 'Say how a run goes on where it was asked for, with the token that came with the request', {
			status: 204,
		}),
		idIn('callback'),
		json(RunCallback),
		async (c) => {
			await reportRun(c.var.ctx, reportOf(c.env), c.req.valid('param').id, c.req.valid('json'));
			return c.body(null, 204);
		},
	)
	.get(
		'/runs/:id/approvals',
		describe('run.read_approvals', 'What a run would carry out, and who approved it', { schema: ApprovalView }),
		idIn('run'),
		async (c) => c.json(await readApprovals(c.var.ctx, c.req.valid('param').id)),
	)
	.post(
		'/runs/:id/approve',
		describe('run.approve', 'Approve what a run is to carry out', { schema: Run }),
		idIn('run'),
		json(ApprovalDecide),
		(c) => posted(c, 200, (ctx) => approveRun(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.post(
		'/runs/:id/reject',
		describe('run.reject', 'Refuse what a run is to carry out, which ends it', { schema: Run }),
		idIn('run'),
		json(ApprovalDecide),
		(c) => posted(c, 200, (ctx) => rejectRun(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get(
		'/runs/:id/log',
		describe('run.read_log', 'The bytes of the log; takes Range', { media: 'text/plain' }),
		idIn('run'),
		query(z.strictObject({ stream: LogStream.optional() })),
		async (c) => {
			const { id } = c.req.valid('param');
			await enterLog(c.var.ctx, id);
			return log(c, id, c.req.valid('query').stream ?? null);
		},
	)
	.get(
		'/runs/:id/log/lines',
		describe('run.read_log_lines', 'Lines of the log, by number', { schema: LogLines }),
		idIn('run'),
		query(LogLinesQuery),
		async (c) => {
			const { id } = c.req.valid('param');
			await enterLog(c.var.ctx, id);
			return c.json(await logsOf(c.env).lines(id, c.req.valid('query')));
		},
	)
	.get(
		'/runs/:id/log/search',
		describe('run.search_log', 'Lines of the log that hold a text', { schema: LogHits }),
		idIn('run'),
		query(LogSearchQuery),
		async (c) => {
			const { id } = c.req.valid('param');
			await enterLog(c.var.ctx, id);
			return c.json(await logsOf(c.env).search(id, c.req.valid('query')));
		},
	);

/** What a script wrote is nobody's page: it is told as text, for a file, in a sandbox. */
async function log(c: AppContext, id: number, stream: z.infer<typeof LogStream> | null): Promise<Response> {
	const range = rangeOf(c.req.header('range'));
	const { body, start, end, total } = await logsOf(c.env).bytes(id, { stream, range });
	const headers = {
		'content-type': 'text/plain; charset=utf-8',
		'content-disposition': attachment(`run-${String(id)}${stream ? `-${stream}` : ''}.log`),
		'content-security-policy': UNTRUSTED_CSP,
		'accept-ranges': 'bytes',
	};
	if (range === null) return c.body(body.pipeThrough(new FixedLengthStream(end - start)), 200, headers);
	if (start >= end) {
		await body.cancel();
		return c.body(null, 416, { ...headers, 'content-range': `bytes */${String(total)}` });
	}
	return c.body(body.pipeThrough(new FixedLengthStream(end - start)), 206, {
		...headers,
		'content-range': `bytes ${String(start)}-${String(end - 1)}/${String(total)}`,
	});
}
