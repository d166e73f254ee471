import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Caller, fresh, idOf, insert, person, project } from './api-world.ts';

// What cannot be audited does not happen: the row of the audit is in the batch of the change.

let admin: Caller;
let p: number;

beforeAll(async () => {
	admin = await person('admin');
	p = await project(admin);
});

/** What the acts below would change. */
const state = async () =>
	(
		await env.DB.batch(
			['users', 'group_users', 'project_groups', 'enrolments', 'runs', 'jobs', 'freezes', 'audit_logs'].map((table) =>
				env.DB.prepare(`select * from ${table} order by rowid`),
			),
		)
	).map(({ results }) => results);

describe('an act that cannot be audited', () => {
	it('changes nothing: runs in prod, roles, access, enrolment, freezes', async () => {
		const someone = await insert('users', { username: fresh('u'), role: 'dev' });
		const group = idOf(await admin.ok('POST', '/api/groups', { name: fresh('g ') }));
		const environment = await admin.ok('POST', `/api/projects/${String(p)}/environments`, {
			name: fresh('prod'),
			type: 'prod',
		});
		const script = await admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
			tool: 'shell',
			name: fresh('s'),
			location_type: 'uploaded',
			content: 'true',
		});
		const job = await admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: 'deploy',
			job_type: 'ops',
			environment_id: idOf(environment),
			script_ids: [idOf(script)],
		});
		const version = (await admin.ok('GET', `/api/users/${String(someone)}`)).version;
		const acts: [string, string, object, Record<string, string>?][] = [
			['POST', `/api/jobs/${String(idOf(job))}/runs`, {}],
			['PATCH', `/api/users/${String(someone)}`, { role: 'ops' }, { 'if-match': `"v${String(version)}"` }],
			['PUT', `/api/groups/${String(group)}/members/${String(someone)}`, {}],
			['PUT', `/api/projects/${String(p)}/groups/${String(group)}`, { access: 'operate' }],
			['POST', '/api/agents/enrolments', {}],
			[
				'POST',
				'/api/freezes',
				{ project_id: p, title: 'f', reason: 'r', start: '2030-01-01T00:00:00Z', end: '2030-01-02T00:00:00Z' },
			],
		];
		const before = await state();
		await env.DB.exec(
			"create trigger no_audit before insert on audit_logs begin select raise(abort, 'the disk is full'); end",
		);
		for (const [method, path, body, headers] of acts) {
			const { status } = await admin.call(method, path, { body, ...(headers && { headers }) });
			expect(status, path).toBeGreaterThanOrEqual(500);
			expect(await state(), path).toEqual(before);
		}
		await env.DB.exec('drop trigger no_audit');
		// The very same requests are good ones.
		for (const [method, path, body, headers] of acts) await admin.ok(method, path, body, headers);
		expect(await state()).not.toEqual(before);
	});
});
