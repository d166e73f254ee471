// From the click on "Run now" to the script's first line at the viewer, through the whole product: permission, rows, queue,
// offer, grant, journal, spawn, log. And fifty clicks at once.
import WebSocket from 'ws';
import { Kind } from '#protocol/run-frames.ts';
import { startHub } from '../support/hub.ts';
import { Api } from '../support/api.ts';
import { realAgent } from '../support/real-agent.ts';
import { median, percentile, report, round } from './measure.ts';

/** Milliseconds from the request to the first frame of log at a viewer who opens the run as soon as it exists; and the run, which goes on. */
async function firstLine(api: Api, job_id: number): Promise<{ took: number; run_id: number }> {
	const clicked = performance.now();
	const run_id = await api.run(job_id);
	const ws = new WebSocket(`${api.url.replace('http', 'ws')}/live/runs/${String(run_id)}?from=0`, {
		headers: { cookie: api.cookie, origin: api.url },
	});
	const took = await new Promise<number>((resolve, reject) => {
		ws.on('message', (data: Buffer) => {
			if (data[0] === Kind.log) resolve(performance.now() - clicked);
		});
		ws.on('error', reject);
		ws.on('close', () => {
			reject(new Error(`run ${String(run_id)} ended without a line`));
		});
	});
	ws.terminate();
	return { took, run_id };
}

const hub = await startHub({ agent: false });
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const agent = await realAgent(admin, { capacity: 64 });
	const { job_id } = await admin.jobWith('#!/bin/sh\necho hello\n');
	const took: number[] = [];
	for (let i = -10; i < 100; i++) {
		const first = await firstLine(admin, job_id);
		await admin.ended(first.run_id);
		if (i >= 0) took.push(first.took);
	}
	report(
		'9 click to first line',
		`p50 ${round(median(took), 1)} ms, p95 ${round(percentile(took, 0.95), 1)} ms`,
		'p50 ≤ 40 ms, p95 ≤ 90 ms',
		median(took) <= 40 && percentile(took, 0.95) <= 90,
	);
	const rounds: number[] = [];
	for (let i = 0; i < 5; i++) {
		const firsts = await Promise.all(Array.from({ length: 50 }, () => firstLine(admin, job_id)));
		rounds.push(Math.max(...firsts.map(({ took }) => took)));
		for (const { run_id } of firsts) await admin.ended(run_id);
	}
	report(
		'9 fifty at once, the last one’s first line',
		`${round(median(rounds), 0)} ms`,
		'≤ 1000 ms',
		median(rounds) <= 1000,
	);
	await agent.remove();
} finally {
	await hub.stop();
}
