// Runs that wait: how long a slot that is free stays free, in a project with ten runs waiting and in one with ten thousand.
import { Api } from '../support/api.ts';
import { startHub } from '../support/hub.ts';
import { enrol, WireAgent } from '../support/wire-agent.ts';
import { inTurns, median, ratio, report, round } from './measure.ts';

const FEW = 10;
const MANY = 10_000;
const AT_ONCE = 25;
const ROUNDS = 60;

const hub = await startHub({ agent: false });
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);

	/** A project whose one slot is taken, with so many runs waiting; a call frees the slot, and gives the ms until the next run is granted. */
	async function project(waiting: number): Promise<() => Promise<number>> {
		const { project_id, job_id } = await admin.jobWith('#!/bin/sh\ntrue\n');
		const identity = await enrol(admin, `of ${String(waiting)}`, { project_ids: [project_id] });
		const agent = await WireAgent.connect(hub.url, identity, { capacity: 1 });
		await admin.run(job_id);
		let at = await agent.begin();
		for (let n = 0; n < waiting; n += AT_ONCE)
			await Promise.all(Array.from({ length: Math.min(AT_ONCE, waiting - n) }, () => admin.run(job_id)));
		return async () => {
			await admin.run(job_id);
			const free = performance.now();
			agent.finish(at);
			at = await agent.begin();
			return performance.now() - free;
		};
	}

	const many = await project(MANY);
	const few = await project(FEW);
	const figures = await inTurns(ROUNDS, { few, many });
	const r = ratio(figures.many, figures.few);
	report(
		'queue: from a free slot to the next start, of 10,000 that wait',
		`${round(median(figures.many), 1)} ms, ${round(r)}× that of ten (${round(median(figures.few), 1)} ms)`,
		'≤ 2×',
		r <= 2,
	);
} finally {
	await hub.stop();
}
