import { beforeAll, describe, expect, it } from 'vitest';
import { type Caller, idOf, person, project } from './api-world.ts';

let admin: Caller, dev: Caller;
let p: number;
beforeAll(async () => {
	admin = await person('admin');
	dev = await person('dev');
	p = await project(admin, [[dev, 'contribute']]);
});

const script = (who: Caller, name: string) =>
	who.ok('POST', `/api/projects/${String(p)}/scripts`, {
		tool: 'shell',
		name,
		location_type: 'uploaded',
		content: 'echo hi\n',
	});

describe('the main job', () => {
	it('goes from project to run', async () => {
		const s = await script(dev, 'a');
		const env = await admin.ok('POST', `/api/projects/${String(p)}/environments`, { name: 'dev', type: 'dev' });
		const job = await dev.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: 'x',
			job_type: 'dev',
			script_ids: [s.id],
			environment_id: env.id,
			planned_start: '2026-12-01T10:00:00Z',
			planned_end: '2026-12-01T11:00:00Z',
		});
		expect(job).toMatchObject({ status: 'planned', script_ids: [s.id], version: 1 });
		const run = await dev.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {
			parameters: { A: 'b' },
			reason: 'because',
		});
		expect(run).toMatchObject({ status: 'queued', job_id: job.id, parameters: { A: 'b' }, note: 'because' });
		const cal = await dev.ok('GET', '/api/calendar?start=2026-11-30&end=2026-12-02');
		expect(cal).toMatchObject([{ title: 'x', start: '2026-12-01T10:00:00.000Z', editable: true, color: '#336699' }]);
		expect(await dev.ok('GET', '/api/runs')).toMatchObject({
			items: [{ id: run.id, job_title: 'x' }],
			next_cursor: null,
		});
		expect((await dev.call('GET', `/api/audit`)).status).toBe(403);
	});
});
