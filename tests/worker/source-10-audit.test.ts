import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { sealAudit } from '#worker/services/audit/seal.ts';
import { enrolled, TestAgent } from './live-world.ts';
import { type Answer, type Caller, caller, ctxFor, fresh, idOf, ORIGIN, person, project } from './api-world.ts';
import { ifMatch } from './source-world.ts';

let admin: Caller, dev: Caller;
let p: number;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'contribute']]);
});

const audit = async (query: string) => (await admin.ok('GET', `/api/audit?${query}`)).items as Answer['body'][];
const inP = (path: string) => `/api/projects/${String(p)}/${path}`;

describe('10.1 AuditLog', () => {
	const kinds = ['user', 'token', 'agent', 'system'] as const;
	const fields = {
		id: (v: unknown) => Number.isInteger(v),
		timestamp: (v: unknown) => /^\d{4}-\d\d-\d\dT.*Z$/.test(String(v)),
		user_id: (v: unknown) => v === null || Number.isInteger(v),
		action: (v: unknown) => /^[a-z_]+\.[a-z_]+$/.test(String(v)),
		object_type: (v: unknown) => /^[A-Z][A-Za-z]+$/.test(String(v)),
		object_id: (v: unknown) => v === null || Number.isInteger(v),
		metadata: (v: unknown) => typeof v === 'object' && v !== null && !Array.isArray(v),
		project_id: (v: unknown) => v === null || Number.isInteger(v),
		actor_kind: (v: unknown) => kinds.some((kind) => kind === v),
		actor_id: (v: unknown) => v === null || Number.isInteger(v),
		ip: (v: unknown) => v === null || typeof v === 'string',
		request_id: (v: unknown) => typeof v === 'string' && v !== '',
		prev_hash: (v: unknown) => v === null || /^[0-9a-f]{64}$/.test(String(v)),
		hash: (v: unknown) => v === null || /^[0-9a-f]{64}$/.test(String(v)),
	};

	it('has every field, for the actions the source names and by every kind of actor', async () => {
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		const script = await dev.ok('POST', inP('scripts'), {
			tool: 'shell',
			name: fresh('s'),
			location_type: 'uploaded',
			content: 'true',
		});
		const job = await dev.ok('POST', inP('jobs'), { title: 'Deploy', job_type: 'dev', script_ids: [script.id] });
		const run = await dev.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {});
		const writer = await agent.start();
		await writer.finish();
		await writer.finished();
		await dev.ok('POST', inP('incidents'), { title: 'Down' });
		const { token } = await dev.ok('POST', '/api/tokens', { name: 'ci', scopes: ['write'] });
		const program = caller(null);
		const bearer = { authorization: `Bearer ${String(token)}` };
		await program('POST', inP('jobs'), { body: { title: 'By program', job_type: 'dev' }, headers: bearer });
		await expect.poll(async () => audit(`action=run.finish&project_id=${String(p)}`)).toHaveLength(1);
		await sealAudit(ctxFor({ kind: 'actor', actor: { kind: 'system' } }));

		const rows = await audit(`project_id=${String(p)}&limit=200`);
		for (const row of rows) {
			expect(Object.keys(row).sort()).toEqual(Object.keys(fields).sort());
			for (const [field, fits] of Object.entries(fields))
				expect(fits(row[field]), `${field} of ${JSON.stringify(row)}`).toBe(true);
			expect(row.hash, 'sealed').not.toBeNull();
		}
		expect(new Set(rows.map(({ actor_kind }) => actor_kind)).size).toBeGreaterThanOrEqual(3);
		const of = (action: string) => rows.filter((row) => row.action === action);
		expect(of('job.create')).toMatchObject([
			{ actor_kind: 'token', user_id: dev.id, object_type: 'Job', project_id: p },
			{ actor_kind: 'user', user_id: dev.id, actor_id: null, object_id: job.id, metadata: { title: 'Deploy' } },
		]);
		expect(of('run.start')).toMatchObject([{ object_type: 'Run', object_id: run.id, user_id: dev.id }]);
		expect(of('run.finish')).toMatchObject([{ object_type: 'Run', object_id: run.id, user_id: null }]);
		expect(of('incident.create')).toMatchObject([{ object_type: 'Incident', user_id: dev.id }]);
	});

	it('tells a change before and after, and the request that made it', async () => {
		const job = await dev.ok('POST', inP('jobs'), { title: 'One', job_type: 'dev' });
		const { headers } = await dev.call('PATCH', `/api/jobs/${String(idOf(job))}`, {
			body: { title: 'Two', tags: ['x'] },
			headers: ifMatch(job),
		});
		expect(await audit(`action=job.update&object_id=${String(idOf(job))}`)).toMatchObject([
			{
				request_id: headers.get('x-request-id'),
				metadata: { version: 2, changes: { title: { from: 'One', to: 'Two' }, tags: { from: [], to: ['x'] } } },
			},
		]);
	});

	it('46: holds no secret of what it tells', async () => {
		const password = 'a password of nobody else';
		const user = await admin.ok('POST', '/api/users', { username: fresh('u'), role: 'dev', password });
		await admin.ok('POST', `/api/users/${String(idOf(user))}/password`, { password: `${password}, again` });
		const { token } = await dev.ok('POST', '/api/tokens', { name: 'secret one', scopes: ['read'] });
		const enrolment = await admin.ok('POST', '/api/agents/enrolments', {});
		const webhook = await admin.ok('POST', '/api/webhooks', {
			project_id: p,
			name: 'chat',
			url: 'https://hooks.example.com/a-secret-path',
			events: ['run.ended'],
		});
		const feed = await dev.ok('POST', '/api/me/feed', {});
		const all = JSON.stringify((await env.DB.prepare('select * from audit_logs').all()).results);
		for (const secret of [
			password,
			token,
			enrolment.token,
			webhook.secret,
			'a-secret-path',
			new URL(String(feed.calendar_url), ORIGIN).searchParams.get('token'),
		])
			expect(all, String(secret)).not.toContain(String(secret));
	});

	it('is found by every field it can be asked for', async () => {
		const [row = {}] = await audit(`action=job.update&project_id=${String(p)}`);
		for (const field of ['action', 'object_type', 'object_id', 'project_id', 'user_id', 'actor_kind']) {
			const rows = await audit(`${field}=${encodeURIComponent(String(row[field]))}&limit=200`);
			expect(rows, field).toContainEqual(row);
			expect(new Set(rows.map((one) => one[field])), field).toEqual(new Set([row[field]]));
		}
		const at = Date.parse(String(row.timestamp));
		const around = `from=${new Date(at).toISOString()}&to=${new Date(at + 1).toISOString()}`;
		expect(await audit(around)).toContainEqual(row);
		expect(await audit(`to=${new Date(at).toISOString()}&limit=200`)).not.toContainEqual(row);
		expect((await dev.call('GET', '/api/audit')).status).toBe(403);
	});
});
