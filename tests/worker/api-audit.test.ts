import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { sealAudit, sealHash } from '#worker/services/audit/seal.ts';
import { tidy } from '#worker/services/hub/tidy.ts';
import { audit_logs, connect } from '#worker/db/client.ts';
import { type Caller, ctxFor, fresh, person, session } from './api-world.ts';

let admin: Caller;
const system = () => ctxFor({ kind: 'actor', actor: { kind: 'system' } });

beforeAll(async () => {
	admin = await person('admin');
});

describe('the audit', () => {
	it('is sealed into a chain that anyone can follow, by however many sealers', async () => {
		for (let n = 0; n < 7; n++) await admin.ok('POST', '/api/projects', { name: fresh('p') });
		expect((await admin.ok('GET', '/api/audit?limit=1')).items).toMatchObject([{ hash: null, prev_hash: null }]);
		await Promise.allSettled([sealAudit(system()), sealAudit(system()), sealAudit(system())]);
		await admin.ok('POST', '/api/projects', { name: fresh('p') });
		expect(await sealAudit(system())).toBe(1);
		expect(await sealAudit(system())).toBe(0);

		const rows = await connect(env.DB).select().from(audit_logs).orderBy(audit_logs.id);
		const { results } = await env.DB.prepare('select * from audit_seals order by audit_id').all<{
			audit_id: number;
			prev_hash: string;
			hash: string;
		}>();
		expect(results.map(({ audit_id }) => audit_id)).toEqual(rows.map(({ id }) => id));
		let prev = '0'.repeat(64);
		for (const [n, row] of rows.entries()) {
			expect(results[n]).toMatchObject({ prev_hash: prev, hash: await sealHash(prev, row) });
			prev = results[n]?.hash ?? '';
		}
		expect((await admin.ok('GET', '/api/audit?limit=1')).items).toMatchObject([{ hash: prev }]);
	});

	it('is sealed whole where more was written than one batch takes', async () => {
		await env.DB.prepare(
			`insert into audit_logs (timestamp, action, object_type, actor_kind, metadata, request_id)
			 with recursive n(i) as (select 1 union all select i + 1 from n where i < 1300)
			 select unixepoch() * 1000, 'run.grant', 'Run', 'system', '{}', 'busy' from n`,
		).run();
		expect(await sealAudit(system())).toBe(1300);
		expect(await admin.ok('GET', '/api/audit/verify')).toMatchObject({ faults: [], tail: 0 });
	});

	it('cannot be changed or deleted, and a changed row would not match its hash', async () => {
		await expect(env.DB.exec("update audit_logs set action = 'x'")).rejects.toThrow('append-only');
		await expect(env.DB.exec('delete from audit_logs')).rejects.toThrow('append-only');
		await expect(env.DB.exec("update audit_seals set hash = 'x'")).rejects.toThrow('append-only');
		const [row] = await connect(env.DB).select().from(audit_logs).limit(1);
		if (!row) throw new Error('no row');
		const honest = await sealHash('0'.repeat(64), row);
		expect(await sealHash('0'.repeat(64), { ...row, ip: '203.0.113.1' })).not.toBe(honest);
		expect(await sealHash('0'.repeat(64), { ...row, metadata: { name: 'x' } })).not.toBe(honest);
	});

	it('is filtered by field', async () => {
		const { items } = await admin.ok('GET', `/api/audit?action=project.create&user_id=${String(admin.id)}&limit=3`);
		expect(items).toHaveLength(3);
		expect((await admin.ok('GET', '/api/audit?action=nothing')).items).toEqual([]);
		expect((await admin.ok('GET', '/api/audit?from=2999-01-01T00:00:00Z')).items).toEqual([]);
	});
});

describe('the audit as a file', () => {
	const lines = async (query: string, who = admin) => {
		const { status, headers, body } = await who.call('GET', `/api/audit/export?${query}`);
		expect(status, query).toBe(200);
		expect(headers.get('content-disposition')).toMatch(
			/^attachment; filename="uhub-audit-\d{4}-\d\d-\d\d\.(csv|jsonl)"/,
		);
		expect(headers.get('content-security-policy')).toContain('sandbox');
		return String(body.text).split(/\r?\n/).slice(0, -1);
	};

	it('is every row that matches, oldest first, in parts as it is read', async () => {
		const rows = (await lines('format=jsonl&action=run.grant')).map((line) => JSON.parse(line) as { id: number });
		expect(rows).toHaveLength(1300);
		expect(rows.map(({ id }) => id)).toEqual(rows.map(({ id }) => id).toSorted((a, b) => a - b));
		const { items } = await admin.ok('GET', '/api/audit?action=run.grant&limit=1');
		expect(rows.at(-1)).toEqual((items as unknown[])[0]);
	});

	it('22: is CSV in which nothing is a formula', async () => {
		await admin.ok('POST', '/api/projects', { name: '=HYPERLINK("http://evil","x")' });
		const [head = '', ...rows] = await lines(`format=csv&action=project.create`);
		expect(head.split(',').slice(0, 3)).toEqual(['id', 'timestamp', 'actor_kind']);
		expect(rows.length).toBeGreaterThan(5);
		for (const row of rows) expect(row, row).not.toMatch(/(^|,)"?\s*[=+@-]/);
		expect(rows.at(-1)).toContain('HYPERLINK');
	});

	it('is written into the audit before its first line leaves, and is for admins', async () => {
		await lines('object_type=Hub');
		expect((await admin.ok('GET', '/api/audit?action=audit.export&limit=1')).items).toMatchObject([
			{ object_type: 'Hub', metadata: { format: 'csv', object_type: 'Hub' } },
		]);
		const dev = await person('dev');
		expect((await dev.call('GET', '/api/audit/export')).status).toBe(403);
		expect((await admin.call('GET', '/api/audit/export?format=xlsx')).status).toBe(400);
	});
});

describe('tidying', () => {
	it('removes what has had its time, and only that', async () => {
		const old = Date.now() - 90_000_000;
		await session(admin.id, Date.now() - 1);
		await env.DB.prepare('insert into login_attempts values (?, 1, ?), (?, 1, ?)')
			.bind('old', old, 'new', Date.now())
			.run();
		await env.DB.prepare(
			'insert into idempotency_keys (user_id, key, request_hash, created_at) values (?, ?, ?, ?), (?, ?, ?, ?)',
		)
			.bind(admin.id, 'old', 'h', old, admin.id, 'new', 'h', Date.now())
			.run();
		await tidy(system());
		const left = async (sql: string) => (await env.DB.prepare(sql).all()).results;
		expect(await left('select subject from login_attempts')).toEqual([{ subject: 'new' }]);
		expect(await left('select key from idempotency_keys')).toEqual([{ key: 'new' }]);
		expect(await left(`select count(*) as n from sessions where user_id = ${String(admin.id)}`)).toEqual([{ n: 1 }]);
		expect((await admin.call('GET', '/api/auth/me')).status).toBe(200);
	});
});
