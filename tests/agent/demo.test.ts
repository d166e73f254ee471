// What the demo shows is true: each of its jobs runs on the local agent that `npm start` brings, started by whom it says, to the end it tells of.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoJob, demoJobs, type DemoUser } from '#worker/seed/jobs.ts';
import { Api } from '#tests/support/api.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';

let hub: TestHub;
const people = new Map<DemoUser, Api>();
const ids = new Map<string, number>();
beforeAll(async () => {
	hub = await startHub();
	for (const name of ['admin', 'projets', 'dev', 'ops'] as const)
		people.set(name, await Api.signIn(hub.url, name, hub.password));
	const jobs = (await of('admin').get('/api/jobs?limit=200')).items as { id: number; title: string }[];
	for (const { id, title } of jobs) ids.set(title, id);
});
afterAll(async () => {
	await hub.stop();
});

function of(name: DemoUser): Api {
	const found = people.get(name);
	if (!found) throw new Error(`${name} is not signed in`);
	return found;
}
const starter = (job: DemoJob) => of(job.past?.by ?? job.owner);

async function outcome(job: DemoJob, parameters: Record<string, unknown> = {}) {
	const api = starter(job);
	const row = await api.ended(await api.run(ids.get(job.title) ?? 0, { parameters }));
	const log = (await api.log(row.id as number)).toString();
	expect(row).toMatchObject({ backend: 'local', log_bytes: Buffer.byteLength(log) });
	return { ...row, log };
}

const runnable = demoJobs.filter(({ scripts }) => scripts.length > 0);
const smoke = runnable.filter(({ title }) => title.startsWith('Smoke test'));
const good = runnable.filter((job) => !smoke.includes(job));

describe('jobs of the demo', () => {
	it('are all of them here', () => {
		expect([...ids.keys()].sort()).toEqual(demoJobs.map(({ title }) => title).sort());
		expect(smoke).toHaveLength(1);
	});

	it.each(good)('$title: succeeds', async (job) => {
		// How full the disks of this machine are is not what is asked.
		const run = await outcome(job, job.title === 'Disk check' ? { LIMIT: 100 } : {});
		expect(run, run.log).toMatchObject({ status: 'success', exit_code: 0, reason: null });
		for (const name of job.scripts) if (job.scripts.length > 1) expect(run.log).toContain(name);
		expect(run.log.trim().split('\n').length).toBeGreaterThan(2);
		expect(run.log).not.toContain('✘');
	});

	it.each(smoke)('$title: fails, and passes with another parameter', async (job) => {
		const failed = await outcome(job);
		expect(failed, failed.log).toMatchObject({ status: 'failed', exit_code: 1, reason: { code: 'exit_code' } });
		expect(failed.log).toContain('1 of 5 checks failed');
		const passed = await outcome(job, { PAYMENT: '200' });
		expect(passed, passed.log).toMatchObject({ status: 'success' });
		expect(passed.log).toContain('5 of 5 checks passed');
	});

	it.each(demoJobs.filter(({ scripts }) => scripts.length === 0))('$title: a meeting never runs', async (job) => {
		const answer = await starter(job).call('POST', `/api/jobs/${String(ids.get(job.title))}/runs`, {});
		expect(answer).toMatchObject({ status: 409, body: { detail: 'A meeting never runs.' } });
	});
});
