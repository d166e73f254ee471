// How long a line takes to a viewer: a quiet script through the whole path, and 500 lines a second with 200 viewers, gathered as the
// agent gathers them, against a relay that keeps nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { BATCH_MS } from '#agent/log-streamer.ts';
import { FRAME_HEADER, Kind } from '#protocol/run-frames.ts';
import { startHub } from '../support/hub.ts';
import { Api } from '../support/api.ts';
import { enrol } from '../support/wire-agent.ts';
import { inTurns, median, percentile, ratio, report, round } from './measure.ts';
import { hubSide, relaySide, type Side } from './streams.ts';

const QUIET = '#!/bin/bash\nfor i in $(seq 120); do echo "$EPOCHREALTIME"; sleep 0.1; done\n';

/** Milliseconds from the script's `echo` to the viewer's socket, through the real agent: one figure a line. */
async function quiet(api: Api, job_id: number): Promise<number[]> {
	const run_id = await api.run(job_id);
	const ws = new WebSocket(`${api.url.replace('http', 'ws')}/live/runs/${String(run_id)}?from=0`, {
		headers: { cookie: api.cookie, origin: api.url },
	});
	const took: number[] = [];
	ws.on('message', (data: Buffer) => {
		if (data[0] !== Kind.log) return;
		const now = performance.timeOrigin + performance.now();
		for (const line of data.subarray(FRAME_HEADER).toString().split('\n').filter(Boolean))
			took.push(now - Number(line) * 1000);
	});
	await api.ended(run_id);
	ws.terminate();
	// The first lines also wait for the run to start and the viewer to join.
	return took.slice(20);
}

/**
 * Median milliseconds from a line's being written to each of 200 viewers, at 500 lines a second. A source's frame leaves `gather_ms` after
 * the last one, with the lines that were written meanwhile.
 */
async function busy(make: () => Promise<Side>, gather_ms: number): Promise<number> {
	const side = await make();
	const took: number[] = [];
	await side.watch(200, (_viewer, payload) => {
		const now = performance.now();
		for (const line of payload.toString().split('\n').filter(Boolean)) took.push(now - Number(line));
	});
	const started = performance.now();
	let gathered = '';
	let left = -Infinity;
	for (let i = 0; i < 1000; i++) {
		const due = started + i * 2 - performance.now();
		if (due > 1) await sleep(due);
		gathered += `${String(performance.now())}\n`;
		if (i < 999 && performance.now() - left < gather_ms) continue;
		left = performance.now();
		await side.send(side.frame(Buffer.from(gathered)));
		gathered = '';
	}
	while (took.length < 200_000) await sleep(5);
	await side.end();
	return median(took);
}

const hub = await startHub();
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const slow = await admin.jobWith(QUIET);
	const took = await quiet(admin, slow.job_id);
	report(
		'7 a line on the screen, 10 lines/s',
		`p50 ${round(median(took))} ms, p95 ${round(percentile(took, 0.95))} ms`,
		'p50 ≤ 3 ms',
		median(took) <= 3,
	);
	const { project_id, job_id } = await admin.jobWith('#!/bin/sh\ntrue\n', { labels: { bench: 'wire' } });
	const identity = await enrol(admin, 'lines', { project_ids: [project_id], labels: { bench: 'wire' } });
	for (const { how, gather_ms, bar } of [
		{ how: 'gathered as by the agent', gather_ms: BATCH_MS, bar: 2 },
		{ how: 'each a message of its own', gather_ms: 0, bar: null },
	]) {
		const figures = await inTurns(5, {
			uhub: () => busy(() => hubSide(admin, identity, job_id), gather_ms),
			relay: () => busy(relaySide, gather_ms),
		});
		const r = ratio(figures.uhub, figures.relay);
		report(
			`7 a line, 500 lines/s × 200 viewers, ${how}`,
			`p50 ${round(median(figures.uhub))} ms, ${round(r)}× a bare relay (${round(median(figures.relay))} ms)`,
			bar === null ? 'none: no agent sends so' : `≤ ${String(bar)}× relay`,
			bar === null || r <= bar,
		);
	}
} finally {
	await hub.stop();
}
