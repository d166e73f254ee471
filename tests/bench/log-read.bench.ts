// Opening a log of 100 MB: its last screen, any line, and a search, against downloading it.
import { startHub } from '../support/hub.ts';
import { Api } from '../support/api.ts';
import { enrol } from '../support/wire-agent.ts';
import { inTurns, median, report, round } from './measure.ts';
import { hubSide } from './streams.ts';

const MB = 100;

/** The median of a few, one after the other. */
async function typical(one: () => Promise<number>): Promise<number> {
	const took: number[] = [];
	for (let i = 0; i < 15; i++) took.push(await one());
	return median(took);
}

const hub = await startHub({ agent: false });
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const { project_id, job_id } = await admin.jobWith('#!/bin/sh\ntrue\n');
	const identity = await enrol(admin, 'reader', { project_ids: [project_id] });
	const side = await hubSide(admin, identity, job_id);
	let n = 0;
	for (let sent = 0; sent < MB * 1e6;) {
		let text = '';
		while (text.length < 65_000)
			text += `line ${String(++n)} ${n % 500_000 === 1 ? 'NEEDLE' : 'hay'} ${'x'.repeat(60)}\n`;
		await side.send(side.frame(Buffer.from(text)));
		sent += text.length;
	}
	await side.end();
	const runs = (await admin.get(`/api/runs?limit=1&sort=-requested_at`)).items as { id: number; log_lines: number }[];
	const run = runs[0];
	if (run?.log_lines !== n) throw new Error(`the hub counts ${String(run?.log_lines)} lines, ${String(n)} were sent`);
	const log = `/api/runs/${String(run.id)}/log`;
	const timed = async (path: string) => {
		const started = performance.now();
		const response = await fetch(hub.url + path, { headers: { cookie: admin.cookie } });
		if (!response.ok) throw new Error(`${path}: ${String(response.status)}`);
		await response.arrayBuffer();
		return performance.now() - started;
	};
	const figures = await inTurns(7, {
		download: () => timed(log),
		tail: () => timed(`${log}/lines?from=${String(n - 199)}&count=200`),
		// At many places: one alone says more of what was done before it than of itself.
		seek: () =>
			typical(() => timed(`${log}/lines?from=${String(1 + Math.floor(Math.random() * (n - 200)))}&count=200`)),
		// What a request costs that asks the server for nothing.
		bare: () => typical(() => timed('/api/health')),
		search: () => timed(`${log}/search?q=NEEDLE`),
	});
	const at = (name: keyof typeof figures) => median(figures[name]);
	report(
		'10 last screen of 100 MB',
		`${round(at('tail'), 1)} ms, 1/${round(at('download') / at('tail'), 0)} of the download`,
		'≤ 1/50',
		at('tail') <= at('download') / 50,
	);
	const onServer = at('seek') - at('bare');
	report(
		'10 any 200 lines',
		`${round(onServer, 1)} ms on the server, permission included; ${round(at('seek'), 1)} ms with a request there and back`,
		'≤ 5 ms on the server',
		onServer <= 5,
	);
	report('10 search the whole', `${round(at('search'), 0)} ms`, '≤ 1000 ms', at('search') <= 1000);
} finally {
	await hub.stop();
}
