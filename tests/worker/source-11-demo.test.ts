import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { issueLocalEnrolment, seedDemo } from '#worker/seed/index.ts';
import { enrolRequest } from './api-enrol.ts';
import { type Call, caller, nobody } from './api-world.ts';

const signIn = async (username: string, password: string) => {
	const { status, headers } = await nobody('POST', '/api/auth/login', { body: { username, password } });
	return { status, call: caller(headers.get('set-cookie')?.split(';')[0] ?? '') };
};
const count = (table: string) => env.DB.prepare(`select count(*) as n from ${table}`).first<number>('n');

const signedIn = async (name = 'admin') => (await signIn(name, 'another password')).call;
const items = async (call: Call, path: string) => (await call('GET', path)).body.items as Record<string, unknown>[];

describe('11 demo data', () => {
	it('fills an empty hub, and a second time changes nothing but the password', { timeout: 30_000 }, async () => {
		await seedDemo(env, { password: 'the first password' });
		const before = await Promise.all(['users', 'projects', 'jobs', 'runs', 'events', 'audit_logs'].map(count));
		expect((await signIn('dev', 'the first password')).status).toBe(200);
		await seedDemo(env, { password: 'another password' });
		const after = await Promise.all(['users', 'projects', 'jobs', 'runs', 'events'].map(count));
		expect(after).toEqual(before.slice(0, 5));
		expect((await signIn('dev', 'the first password')).status).toBe(401);
		for (const name of ['admin', 'projets', 'dev', 'ops'])
			expect((await signIn(name, 'another password')).status).toBe(200);
	});

	it('has the four accounts, active and dark', async () => {
		const users = await items(await signedIn(), '/api/users?sort=username');
		expect(users.map(({ username, role, is_active, theme }) => ({ username, role, is_active, theme }))).toEqual(
			['admin', 'dev', 'ops', 'projets'].map((name) => ({
				username: name,
				role: name,
				is_active: true,
				theme: 'dark',
			})),
		);
	});

	it('has the four projects, each with dev, staging and prod', async () => {
		const call = await signedIn();
		const projects = await items(call, '/api/projects?sort=name');
		expect(projects.map(({ name }) => name)).toEqual(['App', 'Infra', 'Monitoring', 'Registry']);
		for (const { id } of projects) {
			const environments = await items(call, `/api/projects/${String(id)}/environments`);
			expect(environments.map(({ name, type }) => [name, type]).sort()).toEqual(
				['dev', 'prod', 'staging'].map((name) => [name, name]),
			);
		}
	});

	it('has the meeting, the deployment, the report and the maintenance', async () => {
		const jobs = await items(await signedIn(), '/api/jobs?limit=200');
		for (const [title, job_type, status] of [
			[/^Sprint Planning$/, 'meeting', /planned/],
			[/^Release v\d+\.\d+.* – staging$/, 'dev', /./],
			[/^Santé projet/, /./, /./],
			[/^Patch sécurité/, 'maintenance', /./],
		] as const)
			expect(jobs, String(title)).toContainEqual(
				expect.objectContaining({
					title: expect.stringMatching(title),
					job_type: expect.stringMatching(job_type),
					status: expect.stringMatching(status),
				}),
			);
	});

	it('has weeks of runs behind it, and something ahead', async () => {
		const call = await signedIn();
		const runs = await items(call, '/api/runs?limit=200');
		const times = runs.map(({ requested_at }) => Date.parse(String(requested_at)));
		expect((Math.max(...times) - Math.min(...times)) / 86_400_000).toBeGreaterThan(14);
		expect(runs.length).toBeGreaterThan(30);
		expect((await items(call, '/api/jobs?status=planned')).length).toBeGreaterThan(2);
	});

	it('has what comes again: a meeting, a maintenance that nobody starts but a person, and a freeze where no job runs', async () => {
		const call = await signedIn();
		const named = async (path: string, name: string) => (await items(call, path)).find(({ title }) => title === name);
		const daily = await named('/api/projects/1/events?limit=200', 'Daily');
		expect(daily).toMatchObject({ recurrence: { rrule: expect.stringMatching(/^FREQ=WEEKLY;BYDAY=/) as string } });
		expect(await named('/api/jobs?limit=200', 'Registry garbage collection')).toMatchObject({ status: 'planned' });
		const window = `start=${new Date(Date.now() - 7 * 86_400_000).toISOString()}&end=${new Date(Date.now() + 7 * 86_400_000).toISOString()}`;
		const shown = (await call('GET', `/api/calendar?${window}`)).body as unknown as { title: string }[];
		expect(shown.filter(({ title }) => title === 'Daily').length).toBeGreaterThan(5);
		expect(shown.filter(({ title }) => title === 'Registry garbage collection').length).toBeGreaterThan(0);

		const [freeze, ...others] = await items(call, '/api/freezes');
		expect(others).toEqual([]);
		expect(freeze).toMatchObject({ recurrence: { time_zone: 'Europe/Paris' } });
		const jobs = await items(call, '/api/jobs?limit=200');
		expect(jobs.filter(({ environment_id }) => environment_id === freeze?.environment_id)).toEqual([]);
		// Some years from now nothing of it is left.
		const later = '/api/calendar?start=2040-01-01T00:00:00Z&end=2040-02-01T00:00:00Z';
		expect((await call('GET', later)).body).toEqual([]);
	});

	it('leaves no page empty, for anyone', async () => {
		for (const name of ['admin', 'projets', 'dev', 'ops']) {
			const { call } = await signIn(name, 'another password');
			const month = [Date.now() - 20 * 86_400_000, Date.now() + 20 * 86_400_000].map((t) => new Date(t).toISOString());
			for (const path of ['/api/projects', '/api/jobs', '/api/runs', '/api/agents', '/api/server-status']) {
				const { body } = await call('GET', path);
				expect((body.items as unknown[]).length, `${path} of ${name}`).toBeGreaterThan(1);
			}
			for (const list of ['Infra/inventories', 'Infra/terraform-plans', 'Infra/clusters', 'App/changes']) {
				const [project, rows] = list.split('/');
				const found = (await call('GET', `/api/projects?q=${project ?? ''}`)).body.items as { id: number }[];
				if (!found[0]) continue;
				const { body } = await call('GET', `/api/projects/${String(found[0].id)}/${rows ?? ''}`);
				expect((body.items as unknown[]).length, `${list} of ${name}`).toBeGreaterThan(0);
				expect(JSON.stringify(body)).not.toMatch(/demo-password/);
			}
			const calendar = await call('GET', `/api/calendar?start=${String(month[0])}&end=${String(month[1])}`);
			expect((calendar.body as unknown as unknown[]).length).toBeGreaterThan(10);
		}
	});

	it('has a whole log for every run that ran', async () => {
		const { call } = await signIn('admin', 'another password');
		const { body } = await call('GET', '/api/runs?limit=200');
		const runs = body.items as {
			id: number;
			status: string;
			started_at: string | null;
			log_bytes: number;
			log_lines: number;
		}[];
		expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(['success', 'failed', 'canceled']));
		for (const run of runs.filter(({ started_at }) => started_at !== null)) {
			const { body } = await call('GET', `/api/runs/${String(run.id)}/log`);
			const text = String(body.text);
			expect(new TextEncoder().encode(text).length, `run ${String(run.id)}`).toBe(run.log_bytes);
			expect(run.log_bytes).toBeGreaterThan(50);
			const lines = await call('GET', `/api/runs/${String(run.id)}/log/lines?count=1`);
			expect(lines.body.total_lines).toBe(run.log_lines);
			expect(text.includes('✘'), `run ${String(run.id)} ${run.status}`).toBe(run.status === 'failed');
		}
	});

	it('has an open incident, and a published post-mortem with its actions', async () => {
		const { call } = await signIn('ops', 'another password');
		const { body } = await call('GET', '/api/incidents');
		const incidents = body.items as { id: number; status: string; mttr: number | null }[];
		expect(incidents.map(({ status }) => status)).toEqual(['open', 'closed']);
		for (const { id } of incidents) {
			for (const part of ['entries', 'links', 'changes'])
				expect(
					((await call('GET', `/api/incidents/${String(id)}/${part}`)).body.items as unknown[]).length,
					part,
				).toBeGreaterThan(0);
		}
		const at = `/api/incidents/${String(incidents[1]?.id)}/postmortem`;
		expect((await call('GET', at)).body).toMatchObject({ status: 'published' });
		expect(((await call('GET', `${at}/actions`)).body.items as unknown[]).length).toBe(3);
		expect((await call('GET', `${at}/export?format=html`)).body.text).toContain('<td>02:11</td>');
	});

	it('gives each role what the demo says', async () => {
		const { call } = await signIn('dev', 'another password');
		const { body } = await call('GET', '/api/projects');
		const access = Object.fromEntries(
			(body.items as { name: string; access: string }[]).map((p) => [p.name, p.access]),
		);
		expect(access).toEqual({ App: 'contribute', Registry: 'contribute', Monitoring: 'read' });
	});

	it('lets the local agent in without anybody comparing fingerprints, once', async () => {
		const { token } = await issueLocalEnrolment(env);
		const joined = await nobody('POST', '/api/agents/enrol', { body: await enrolRequest(token) });
		expect(joined).toMatchObject({ status: 201, body: { status: 'offline' } });
		expect((await nobody('POST', '/api/agents/enrol', { body: await enrolRequest(token) })).status).toBe(403);
	});
});
