// A flood of log with 1, 50 and 200 people watching, durable and acknowledged, against a relay that keeps nothing.
import { randomBytes } from 'node:crypto';
import { startHub } from '../support/hub.ts';
import { Api } from '../support/api.ts';
import { enrol } from '../support/wire-agent.ts';
import { atRest, inTurns, median, ratio, report, round } from './measure.ts';
import { hubSide, relaySide, type Side } from './streams.ts';

const FRAME = 65_536;
const LEVELS = ['INFO', 'INFO', 'INFO', 'DEBUG', 'WARN'];
const STEPS = ['compiled', 'linked', 'tested', 'uploaded', 'verified', 'rolled out', 'was skipped'];
/** As many as there are in 4 MiB: no two that are near each other are alike. */
const FRAMES = Array.from({ length: 64 }, (_, n) => linesOf(FRAME, 1000 * n));

/** Lines such as a build or a deployment says. Zstandard makes a sixth of them. */
function linesOf(bytes: number, from: number): Buffer {
	let text = '';
	for (let n = from; text.length < bytes; n++) {
		const at = new Date(Date.UTC(2026, 0) + 37 * n).toISOString();
		const [level, what] = [LEVELS[n % LEVELS.length], STEPS[(n * 7919) % STEPS.length]];
		const id = randomBytes(4).toString('hex');
		text += `${at} ${level ?? ''} worker-${String((n * 31) % 16)} [deploy] step ${String(n)} ${what ?? ''} in ${String((n * 104_729) % 5000)} ms (id=${id})\n`;
	}
	return Buffer.from(text).subarray(0, bytes);
}

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
	const ready = Array.from({ length: frames }, (_, n) => side.frame(FRAMES[n % FRAMES.length] ?? Buffer.alloc(0)));
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
