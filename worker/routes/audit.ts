import { Hono } from 'hono';
import { AuditLog, AuditVerified } from '#domain/audit.ts';
import { pageOf } from '#domain/common.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { attachment, UNTRUSTED_CSP } from '#worker/http/headers.ts';
import { query } from '#worker/http/input.ts';
import { AuditExport, exportAudit } from '#worker/services/audit/export.ts';
import { AuditList, listAudit } from '#worker/services/audit/list.ts';
import { verifyAudit, VerifyQuery } from '#worker/services/audit/verify.ts';

const types = { csv: 'text/csv; charset=utf-8', jsonl: 'application/x-ndjson' };

export const audit = new Hono<AppEnv>()
	.get(
		'/audit',
		describe('audit.list', 'What happened in the hub', { schema: pageOf(AuditLog) }),
		query(AuditList),
		async (c) => c.json(await listAudit(c.var.ctx, c.req.valid('query'))),
	)
	.get(
		'/audit/verify',
		describe('audit.verify', 'Follow the chain of the audit, a part at a time, and say what is wrong with it', {
			schema: AuditVerified,
		}),
		query(VerifyQuery),
		async (c) => c.json(await verifyAudit(c.var.ctx, c.req.valid('query'))),
	)
	.get(
		'/audit/export',
		describe('audit.export', 'The rows that match, oldest first, as a file: CSV, or a line of JSON each', {
			media: ['text/csv', 'application/x-ndjson'],
		}),
		query(AuditExport),
		async (c) => {
			const asked = c.req.valid('query');
			const name = `uhub-audit-${new Date(c.var.ctx.now()).toISOString().slice(0, 10)}.${asked.format}`;
			return c.body(await exportAudit(c.var.ctx, asked), 200, {
				'content-type': types[asked.format],
				'content-disposition': attachment(name),
				'content-security-policy': UNTRUSTED_CSP,
			});
		},
	);
