// Jobs that start by themselves: how long after the time they are planned for they have started, on an agent of this machine. Half of
// them alone in their second, the others ten at the very same time.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Api } from '../support/api.ts';
import { startHub } from '../support/hub.ts';
import { realAgent } from '../support/real-agent.ts';
import { median, report, round } from './measure.ts';

const AHEAD_MS = 6_000;
const Started = z.looseObject({ scheduled_for: z.iso.datetime(), started_at: z.iso.datetime() });

const hub = await startHub({ agent: false });
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const agent = await realAgent(admin, { capacity: 64 });
	const { project_id } = await admin.jobWith('#!/bin/sh\ntrue\n');
	const soon = Date.now() + AHEAD_MS;
	const times = Array.from({ length: 20 }, (_, i) => soon + Math.min(i, 10) * 1_000 + (i < 10 ? i * 97 : 0));
	const jobs = [];
	for (const time of times)
		jobs.push(
			await admin.jobInProject(project_id, '#!/bin/sh\ntrue\n', {
				auto_start: true,
				planned_start: new Date(time).toISOString(),
			}),
		);
	await sleep(Math.max(...times) - Date.now());
	const late: number[] = [];
	for (const { job_id } of jobs) {
		let run_id: number | null = null;
		while (run_id === null) {
			const { items } = await admin.get(`/api/runs?job_id=${String(job_id)}`);
			run_id = z.array(z.looseObject({ id: z.int() })).parse(items)[0]?.id ?? null;
		}
		const { scheduled_for, started_at } = Started.parse(await admin.ended(run_id));
		late.push(Date.parse(started_at) - Date.parse(scheduled_for));
	}
	report(
		'schedule: started after its time',
		`p50 ${round(median(late), 0)} ms, at most ${round(Math.max(...late), 0)} ms`,
		'≤ 1 s',
		Math.max(...late) <= 1_000,
	);
	await agent.remove();
} finally {
	await hub.stop();
}
