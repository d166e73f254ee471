// From the click on "Run now" to the script's first line at the viewer, through the whole product: permission, rows, queue,
// offer, grant, journal, spawn, log. And fifty clicks at once. In turns with the least that any machine needs: a bare spawn.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { z } from 'zod';
import { startHub } from '../support/hub.ts';
import { Api } from '../support/api.ts';
import { realAgent } from '../support/real-agent.ts';
import { firstLine } from './first-line.ts';
import { atRest, median, percentile, report, round } from './measure.ts';

/** Milliseconds that a bare spawn took on the machine whose milliseconds the bars are: a slower one has as many spawns as that (ADR 40). */
const SPAWN_MS = 3;
const CLICK_MS = { p50: 40, p95: 90 };
const FIFTY_MS = 1000;

const bare = fork(path.join(import.meta.dirname, 'peers/spawn.mjs'));
const hub = await startHub({ agent: false });
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const agent = await realAgent(admin, { capacity: 64 });
	const { job_id } = await admin.jobWith('#!/bin/sh\necho hello\n');
	const spawns: number[] = [];
	const spawn = async () => {
		bare.send('spawn');
		const [took] = (await once(bare, 'message')) as unknown[];
		spawns.push(z.number().parse(took));
	};
	/** Beside the bar, which is as much longer as a bare spawn of this very run takes longer than there. */
	const told = (what: string, ...figures: [name: string, took: number, bar_ms: number][]) => {
		const unit = median(spawns);
		const slower = Math.max(1, unit / SPAWN_MS);
		const times = figures.map(([name, took]) => `${name}${round(took, 0)} ms`).join(', ');
		const bars = figures.map(([, , bar]) => `${round(bar * slower, 0)} ms`).join(', ');
		report(
			`9 ${what}`,
			`${times}, where a bare spawn takes ${round(unit, 1)} ms`,
			`≤ ${bars}`,
			figures.every(([, took, bar]) => took <= bar * slower),
		);
	};

	const took: number[] = [];
	for (let i = -10; i < 100; i++) {
		const first = await firstLine(admin, job_id);
		await admin.ended(first.run_id);
		if (i < 0) continue;
		took.push(first.took);
		await spawn();
	}
	told('click to first line', ['p50 ', median(took), CLICK_MS.p50], ['p95 ', percentile(took, 0.95), CLICK_MS.p95]);

	const starts: number[] = [];
	const rested = () => atRest(hub.pids().workerd ?? NaN);
	for (let i = 0; i < 5; i++) {
		await rested();
		const run_ids = await Promise.all(Array.from({ length: 50 }, () => admin.run(job_id)));
		const rows: Record<string, unknown>[] = [];
		// One question at a time: what asks after fifty runs is not what is measured.
		for (const run_id of run_ids) rows.push(await admin.ended(run_id));
		const times = (column: string) => rows.map((row) => Date.parse(String(row[column])));
		starts.push(Math.max(...times('started_at')) - Math.min(...times('requested_at')));
		for (let n = 0; n < 20; n++) await spawn();
	}
	told('fifty at once, the last one starts', ['', median(starts), FIFTY_MS]);

	const lines: number[] = [];
	for (let i = 0; i < 5; i++) {
		await rested();
		const firsts = await Promise.all(Array.from({ length: 50 }, () => firstLine(admin, job_id)));
		lines.push(Math.max(...firsts.map((first) => first.took)));
		await Promise.all(firsts.map(({ run_id }) => admin.ended(run_id)));
		for (let n = 0; n < 20; n++) await spawn();
	}
	told('fifty at once, each watched, the last one’s first line', ['', median(lines), FIFTY_MS]);
	await agent.remove();
} finally {
	bare.kill();
	await hub.stop();
}
