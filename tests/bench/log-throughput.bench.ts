// A flood of log with 1, 50 and 200 people watching, durable and acknowledged, against a relay that keeps nothing.
import { randomBytes } from 'node:crypto';
import { startHub } from '../support/hub.ts';
import { Api } from '../support/api.ts';
import { enrol } from '../support/wire-agent.ts';
import { atRest, inTurns, median, ratio, report, round } from './measure.ts';
import { hubSide, relaySide, type Side } from './streams.ts';

const FRAME = 65_536;
const lines = Buffer.from(
	Array.from({ length: 1024 }, () => `${randomBytes(23).toString('base64')} ${'ok '.repeat(10)}\n`).join(''),
).subarray(0, FRAME);

/** MB of log a second that reached every viewer whole. */
async function throughput(make: () => Promise<Side>, viewers: number, frames: number): Promise<number> {
	const side = await make();
	const total = frames * FRAME;
	const seen = new Array<number>(viewers).fill(0);
	let done: () => void = () => undefined;
	const all = new Promise<void>((resolve) => (done = resolve));
	let whole = 0;
	await side.watch(viewers, (viewer, payload) => {
		const before = seen[viewer] ?? 0;
		seen[viewer] = before + payload.length;
		if (before < total && before + payload.length >= total && ++whole === viewers) done();
	});
	await atRest(hub.pids().workerd ?? NaN);
	const ready = Array.from({ length: frames }, () => side.frame(lines));
	const started = performance.now();
	for (const frame of ready) await side.send(frame);
	await all;
	const seconds = (performance.now() - started) / 1000;
	await side.end();
	if (seen.some((bytes) => bytes !== total)) throw new Error('a viewer saw another number of bytes than were sent');
	return total / 1e6 / seconds;
}

const hub = await startHub({ agent: false });
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const { project_id, job_id } = await admin.jobWith('#!/bin/sh\ntrue\n');
	const identity = await enrol(admin, 'flood', { project_ids: [project_id] });
	for (const [viewers, frames] of [
		[1, 800],
		[50, 300],
		[200, 80],
	] as const) {
		const figures = await inTurns(5, {
			uhub: () => throughput(() => hubSide(admin, identity, job_id), viewers, frames),
			relay: () => throughput(relaySide, viewers, frames),
		});
		const r = ratio(figures.uhub, figures.relay);
		report(
			`6 log throughput, ${String(viewers)} viewers`,
			`${round(median(figures.uhub), 1)} MB/s, ${round(r)}× a bare relay (${round(median(figures.relay), 1)} MB/s)`,
			'≥ 0.7× relay',
			r >= 0.7,
		);
	}
} finally {
	await hub.stop();
}
