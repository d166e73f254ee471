// What hub and agent hold while much goes through them: a log of 1 GB, beside which a quiet run's lines must not be late; and ten
// thousand short runs.
import WebSocket from 'ws';
import { FRAME_HEADER, Kind } from '#protocol/run-frames.ts';
import { Api } from '../support/api.ts';
import { startHub } from '../support/hub.ts';
import { realAgent } from '../support/real-agent.ts';
import { enrol, WireAgent } from '../support/wire-agent.ts';
import { median, percentile, privateBytes, report, round } from './measure.ts';

const MB = 1024 * 1024;
const SAMPLE_MS = 100;
const LOG_BYTES = 1_000_000_000;
const FLOOD = `#!/bin/sh\nyes "$(head -c 150 /dev/urandom | base64 -w 0)" | head -c ${String(LOG_BYTES)}\n`;
const QUIET = '#!/bin/bash\nwhile :; do echo "$EPOCHREALTIME"; sleep 0.1; done\n';
const SHORT_RUNS = 10_000;
const WARM = 2_000;
const SLOTS = 20;

/** Until it is called: the most that each process ever held, by its name. */
function watching(pids: Record<string, number>): () => Record<string, number> {
	const most = Object.fromEntries(Object.keys(pids).map((name) => [name, 0]));
	const timer = setInterval(() => {
		for (const [name, pid] of Object.entries(pids)) most[name] = Math.max(most[name] ?? 0, privateBytes(pid));
	}, SAMPLE_MS);
	return () => {
		clearInterval(timer);
		return most;
	};
}

const hub = await startHub({ agent: false });
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const { workerd } = hub.pids();
	if (workerd === null) throw new Error('the hub has no runtime');

	const agent = await realAgent(admin);
	const [flood, quiet] = [await admin.jobWith(FLOOD), await admin.jobWith(QUIET)];
	const beside = await admin.run(quiet.job_id);
	const ws = new WebSocket(`${hub.url.replace('http', 'ws')}/live/runs/${String(beside)}?from=0`, {
		headers: { cookie: admin.cookie, origin: hub.url },
	});
	const late: number[] = [];
	ws.on('message', (data: Buffer) => {
		if (data[0] !== Kind.log) return;
		const now = performance.timeOrigin + performance.now();
		for (const line of data.subarray(FRAME_HEADER).toString().split('\n').filter(Boolean))
			late.push(now - Number(line) * 1000);
	});
	const before = { hub: privateBytes(workerd), agent: privateBytes(agent.pid) };
	const most = watching({ hub: workerd, agent: agent.pid });
	const began = performance.now();
	const run_id = await admin.run(flood.job_id);
	const row = await admin.ended(run_id, 600_000);
	const seconds = (performance.now() - began) / 1000;
	const held = most();
	await admin.ok('POST', `/api/runs/${String(beside)}/cancel`, {});
	ws.terminate();
	const grown = (name: 'hub' | 'agent') => ((held[name] ?? NaN) - before[name]) / MB;
	report(
		'a log of 1 GB: it is whole, and what it adds at most',
		`${String(row.log_bytes)} bytes in ${round(seconds, 0)} s; hub ${round(grown('hub'), 0)} MB, agent ${round(grown('agent'), 0)} MB`,
		'all of it; ≤ 256 MB each',
		row.log_bytes === LOG_BYTES && grown('hub') <= 256 && grown('agent') <= 256,
	);
	report(
		'a quiet run beside it, from echo to viewer',
		`p50 ${round(median(late), 1)} ms, p95 ${round(percentile(late, 0.95), 1)} ms`,
		'p95 ≤ 250 ms',
		percentile(late, 0.95) <= 250,
	);
	await agent.remove();

	const { project_id, job_id } = await admin.jobWith('#!/bin/sh\ntrue\n');
	const wire = await WireAgent.connect(hub.url, await enrol(admin, 'short', { project_ids: [project_id] }), {
		capacity: SLOTS,
	});
	let ended = 0;
	let warm = 0;
	const started = performance.now();
	await Promise.all(
		Array.from({ length: SLOTS }, async () => {
			while (ended < SHORT_RUNS) {
				await admin.run(job_id);
				const at = await wire.begin();
				wire.ws.send(wire.chunk(at, Buffer.from('done\n')));
				wire.finish(at);
				if (++ended === WARM) warm = privateBytes(workerd);
			}
		}),
	);
	const rate = SHORT_RUNS / ((performance.now() - started) / 1000);
	const more = (privateBytes(workerd) - warm) / MB;
	report(
		'ten thousand short runs: what the last eight thousand add to the hub',
		`${round(more, 0)} MB, at ${round(rate, 0)} runs a second`,
		'≤ 128 MB',
		more <= 128,
	);
} finally {
	await hub.stop();
}
