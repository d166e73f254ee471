// A thousand open pages of a project, and nothing happens: what each costs the hub, against an object that only relays; then
// something happens, and all of them are told.
import { once } from 'node:events';
import WebSocket from 'ws';
import { ToBrowser } from '#protocol/browser.ts';
import { BROWSER_PROTOCOL } from '#protocol/version.ts';
import { Api } from '../support/api.ts';
import { startHub } from '../support/hub.ts';
import { median, privateBytes, report, round } from './measure.ts';
import { startRaw } from './peers/raw.ts';

const VIEWERS = 1_000;
const AT_ONCE = 50;
/** An object that has been asked nothing for ten seconds leaves memory; its sockets stay. */
const IDLE_MS = 15_000;

const idle = () => new Promise((resolve) => setTimeout(resolve, IDLE_MS));

/** Opens the viewers, and gives what a thousand more than the first fifty cost, in bytes each. */
async function cost(pid: number, open: () => Promise<WebSocket>): Promise<{ each: number; viewers: WebSocket[] }> {
	const viewers: WebSocket[] = [];
	const more = async (count: number) => {
		for (let n = 0; n < count; n += AT_ONCE)
			viewers.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - n) }, open))));
	};
	await more(AT_ONCE);
	await idle();
	const before = privateBytes(pid);
	await more(VIEWERS);
	await idle();
	return { each: (privateBytes(pid) - before) / VIEWERS, viewers };
}

async function opened(url: string, headers: Record<string, string>): Promise<WebSocket> {
	const ws = new WebSocket(url, { headers, perMessageDeflate: false });
	await once(ws, 'open');
	return ws;
}

async function hubCost(): Promise<{ each: number; told: number; took: number }> {
	const hub = await startHub({ agent: false });
	try {
		const admin = await Api.signIn(hub.url, 'admin', hub.password);
		const { project_id, job_id } = await admin.jobWith('#!/bin/sh\ntrue\n');
		const { workerd } = hub.pids();
		if (workerd === null) throw new Error('the hub has no runtime');
		const { each, viewers } = await cost(workerd, async () => {
			const ws = await opened(`${hub.url.replace('http', 'ws')}/live/projects/${String(project_id)}`, {
				cookie: admin.cookie,
				origin: hub.url,
			});
			const welcome = once(ws, 'message');
			ws.send(JSON.stringify({ type: 'hello', v: BROWSER_PROTOCOL, since: null }));
			await welcome;
			return ws;
		});
		const began = performance.now();
		let told = 0;
		const all = Promise.all(
			viewers.map(
				(ws) =>
					new Promise<void>((resolve) =>
						ws.on('message', (data: Buffer) => {
							const frame = ToBrowser.parse(JSON.parse(data.toString()));
							if (frame.type !== 'changes') return;
							told++;
							resolve();
						}),
					),
			),
		);
		const { version } = await admin.get(`/api/jobs/${String(job_id)}`);
		await admin.ok(
			'PATCH',
			`/api/jobs/${String(job_id)}`,
			{ title: 'Told to all' },
			{ 'if-match': `"v${String(version)}"` },
		);
		await all;
		const took = performance.now() - began;
		for (const ws of viewers) ws.terminate();
		return { each, told, took };
	} finally {
		await hub.stop();
	}
}

async function relayCost(): Promise<number> {
	const raw = await startRaw('raw-room.worker.js', [{ binding: 'RAW_ROOM', className: 'RawRoom' }]);
	try {
		const { each, viewers } = await cost(raw.pid, () => opened(raw.url.replace('http', 'ws'), {}));
		for (const ws of viewers) ws.terminate();
		return each;
	} finally {
		await raw.stop();
	}
}

const hubs = [];
const relays = [];
for (let turn = 0; turn < 3; turn++) {
	hubs.push(await hubCost());
	relays.push(await relayCost());
}
const [ours, theirs] = [median(hubs.map(({ each }) => each)), median(relays)];
report(
	'14 a thousand idle viewers, each',
	`${round(ours / 1024, 1)} KiB, ${round(ours / theirs)}× a bare relay (${round(theirs / 1024, 1)} KiB)`,
	'≤ 2×',
	ours <= 2 * theirs,
);
report(
	'14 then a change, told to all of them',
	`${String(Math.min(...hubs.map(({ told }) => told)))} of ${String(VIEWERS + AT_ONCE)} in ${round(median(hubs.map(({ took }) => took)), 0)} ms`,
	'all',
	hubs.every(({ told }) => told >= VIEWERS + AT_ONCE),
);
