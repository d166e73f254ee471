import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { joinAgent } from '#worker/services/agents/join.ts';
import { enrolRequest } from './api-enrol.ts';
import { type Caller, ctxFor, fresh, idOf, insert, nobody, person, project } from './api-world.ts';

let admin: Caller, dev: Caller;
let p: number, hidden: number;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'read']]);
	hidden = await project(admin);
});
beforeEach(() => env.DB.exec('delete from login_attempts'));

const token = async (body: object = {}) => String((await admin.ok('POST', '/api/agents/enrolments', body)).token);
const join = async (body: object) => nobody('POST', '/api/agents/enrol', { body });
const joined = async (body: object = {}) => {
	const { agent_id } = (await join(await enrolRequest(await token(body)))).body;
	return admin.ok('GET', `/api/agents/${String(agent_id)}`);
};
const agents = async () => (await env.DB.prepare('select count(*) as n from agents').first<number>('n')) ?? 0;

describe('36: enrolment', () => {
	it('gives a token once, of which the hub keeps a hash', async () => {
		const made = await admin.call('POST', '/api/agents/enrolments', {
			body: { project_ids: [p], labels: { site: 'paris' } },
			headers: { 'idempotency-key': fresh('key') },
		});
		expect(made.status).toBe(201);
		const shown = String(made.body.token);
		expect(shown).toMatch(/^uhe_[A-Za-z0-9_-]{43}$/);
		expect(Date.parse(String(made.body.expires_at)) - Date.now()).toBeGreaterThan(3_590_000);
		for (const table of ['enrolments', 'audit_logs', 'idempotency_keys']) {
			const { results } = await env.DB.prepare(`select * from ${table}`).all();
			expect(JSON.stringify(results), table).not.toContain(shown.slice(4));
		}
		expect(await admin.call('POST', '/api/agents/enrolments', { body: { project_ids: [999_999] } })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'project_ids.0' }] },
		});
	});

	it('makes a pending agent with what the admin said of it', async () => {
		const request = await enrolRequest(await token({ project_ids: [p], labels: { site: 'paris' } }), {
			labels: { site: 'elsewhere', gpu: 'yes' },
			capacity: 2,
		});
		const answer = await join(request);
		expect(answer).toMatchObject({ status: 201, body: { status: 'pending' } });
		expect(await admin.ok('GET', `/api/agents/${String(answer.body.agent_id)}`)).toMatchObject({
			name: request.name,
			labels: { site: 'paris', gpu: 'yes' },
			project_ids: [p],
			capacity: 2,
			fingerprint: answer.body.fingerprint,
			host: null,
		});
	});

	it('36: a token works once, also when many race for it', async () => {
		const shared = await token();
		const before = await agents();
		const tries = await Promise.all(Array.from({ length: 6 }, async () => join(await enrolRequest(shared))));
		expect(tries.map(({ status }) => status).sort()).toEqual([201, 403, 403, 403, 403, 403]);
		expect(await agents()).toBe(before + 1);
		expect((await join(await enrolRequest(shared))).status).toBe(403);
	});

	it('36: an expired, unknown or malformed token is refused', async () => {
		const late = await enrolRequest(await token());
		const ctx = ctxFor({ kind: 'none' }, { now: () => Date.now() + 3_600_001 });
		await expect(joinAgent(ctx, { labels: {}, capacity: 1, ...late })).rejects.toMatchObject({ code: 'forbidden' });
		expect((await join(await enrolRequest(`uhe_${'A'.repeat(43)}`))).status).toBe(403);
		for (const bad of ['', 'uhe_short', `uhx_${'A'.repeat(43)}`])
			expect((await join({ ...late, token: bad })).status, bad).toBe(400);
	});

	it('36: the key must be proved over this very token, and a token survives a bad proof', async () => {
		const mine = await token();
		const request = await enrolRequest(mine);
		const stranger = await enrolRequest(mine);
		const otherToken = await enrolRequest(await token());
		for (const bad of [
			{ ...request, signature: stranger.signature },
			{ ...request, public_key: stranger.public_key },
			{ ...request, signature: otherToken.signature },
			{ ...request, public_key: 'A'.repeat(43) },
			{ ...request, public_key: '_'.repeat(43) },
		])
			expect(await join(bad)).toMatchObject({ status: 400, body: { errors: [{ path: 'signature' }] } });
		expect((await join({ ...request, status: 'online' })).status).toBe(400);
		expect((await join(request)).status).toBe(201);
	});

	it('36: a name or a key that is taken does not use the token up', async () => {
		const first = await enrolRequest(await token());
		expect((await join(first)).status).toBe(201);
		const mine = await token();
		expect(await join(await enrolRequest(mine, { name: first.name }))).toMatchObject({
			status: 409,
			body: { errors: [{ path: 'name' }] },
		});
		expect((await join(await enrolRequest(mine))).status).toBe(201);
	});

	it('is limited per address, and a fleet that enrols well is not', async () => {
		for (let n = 0; n < 35; n++) expect((await join(await enrolRequest(await token()))).status).toBe(201);
		const wrong = await enrolRequest(`uhe_${'B'.repeat(43)}`);
		for (let n = 0; n < 30; n++) expect((await join(wrong)).status).toBe(403);
		expect((await join(await enrolRequest(await token()))).status).toBe(429);
	});
});

describe('an agent', () => {
	it('is let in by the fingerprint, and only from there', async () => {
		const agent = await joined();
		const at = `/api/agents/${String(idOf(agent))}`;
		expect(await admin.call('POST', `${at}/confirm`, { body: { fingerprint: 'a'.repeat(64) } })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'fingerprint' }] },
		});
		expect(await admin.ok('GET', at)).toMatchObject({ status: 'pending' });
		expect(await admin.ok('POST', `${at}/confirm`, { fingerprint: agent.fingerprint })).toMatchObject({
			status: 'offline',
		});
		expect((await admin.call('POST', `${at}/confirm`, { body: { fingerprint: agent.fingerprint } })).status).toBe(409);
		expect(await admin.ok('POST', `${at}/revoke`)).toMatchObject({ status: 'revoked' });
		expect((await admin.call('POST', `${at}/revoke`)).status).toBe(409);
		expect((await admin.call('POST', `${at}/confirm`, { body: { fingerprint: agent.fingerprint } })).status).toBe(409);
		const { items } = await admin.ok('GET', `/api/audit?object_type=Agent&object_id=${String(idOf(agent))}`);
		expect((items as { action: string }[]).map(({ action }) => action)).toEqual([
			'agent.revoke',
			'agent.confirm',
			'agent.join',
		]);
	});

	it('is let in again by the fingerprint once it was quarantined, and nothing is shut out twice', async () => {
		const agent = await joined();
		const at = `/api/agents/${String(idOf(agent))}`;
		const { fingerprint } = agent;
		expect((await admin.call('POST', `${at}/quarantine`, { body: {} })).status).toBe(409);
		await admin.ok('POST', `${at}/confirm`, { fingerprint });
		expect(await admin.ok('POST', `${at}/quarantine`, {})).toMatchObject({ status: 'quarantined' });
		expect((await admin.call('POST', `${at}/quarantine`, { body: {} })).status).toBe(409);
		expect(await admin.ok('POST', `${at}/confirm`, { fingerprint })).toMatchObject({ status: 'offline' });
		const { items } = await admin.ok('GET', `/api/audit?object_type=Agent&object_id=${String(idOf(agent))}`);
		expect((items as { action: string }[]).map(({ action }) => action)).toEqual([
			'agent.confirm',
			'agent.quarantine',
			'agent.confirm',
			'agent.join',
		]);
	});

	it('is not shown to who may see none of its projects', async () => {
		const [everywhere, here, there] = [
			await joined(),
			await joined({ project_ids: [p, hidden] }),
			await joined({ project_ids: [hidden] }),
		];
		const seen = ((await dev.ok('GET', '/api/agents?limit=200')).items as { id: number }[]).map(({ id }) => id);
		expect(seen).toContain(everywhere.id);
		expect(seen).toContain(here.id);
		expect(seen).not.toContain(there.id);
		expect((await dev.call('GET', `/api/agents/${String(idOf(there))}`)).status).toBe(404);
	});

	it('shows its host’s latest report, and the history page by page', async () => {
		const agent = await joined();
		const agent_id = idOf(agent);
		for (const minute of [1, 2, 3])
			await env.DB.prepare(
				`insert into server_statuses (agent_id, snapshot_time, cpu_cores, cpu_load_1m, cpu_load_5m, cpu_load_15m,
				 ram_total_gib, ram_used_gib, disk_path, disk_total_gib, disk_used_gib, disk_free_gib)
				 values (?, ?, 4, ?, 0, 0, 8, 4, '/', 100, 50, 50)`,
			)
				.bind(agent_id, minute * 60_000, minute)
				.run();
		expect(await admin.ok('GET', `/api/agents/${String(agent_id)}`)).toMatchObject({
			host: { cpu_load_1m: 3, snapshot_time: '1970-01-01T00:03:00.000Z' },
		});
		const latest = (await admin.ok('GET', '/api/server-status')).items as { agent_id: number; cpu_load_1m: number }[];
		expect(latest.filter((row) => row.agent_id === agent_id)).toMatchObject([{ cpu_load_1m: 3 }]);
		const first = await admin.ok('GET', `/api/server-status?agent_id=${String(agent_id)}&limit=2`);
		expect(first.items).toMatchObject([{ cpu_load_1m: 3 }, { cpu_load_1m: 2 }]);
		const next = await admin.ok(
			'GET',
			`/api/server-status?agent_id=${String(agent_id)}&limit=2&cursor=${String(first.next_cursor)}`,
		);
		expect(next).toMatchObject({ items: [{ cpu_load_1m: 1 }], next_cursor: null });
	});

	it('can be changed by version; more projects than D1 binds are no trouble', async () => {
		const agent = await joined();
		const ids = await Promise.all(
			Array.from({ length: 150 }, (_, n) =>
				insert('projects', { name: fresh(`many ${String(n)} `), color: '#000000', owner_id: admin.id }),
			),
		);
		const at = `/api/agents/${String(idOf(agent))}`;
		const changed = await admin.ok('PATCH', at, { project_ids: ids, capacity: 9 }, { 'if-match': '"v1"' });
		expect(changed).toMatchObject({ project_ids: ids, capacity: 9, version: 2 });
		expect((await admin.call('PATCH', at, { body: { capacity: 1 }, headers: { 'if-match': '"v1"' } })).status).toBe(
			412,
		);
		expect(
			await admin.call('PATCH', at, {
				body: { project_ids: [...ids.slice(1), 999_999] },
				headers: { 'if-match': '"v2"' },
			}),
		).toMatchObject({ status: 400, body: { errors: [{ path: 'project_ids.149' }] } });
	});
});
