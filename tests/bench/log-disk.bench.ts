// What a byte of log costs on disk: what the runtime wrote, as the kernel counts it, from the first chunk to the sealed log.
import { readFileSync } from 'node:fs';
import { startHub } from '../support/hub.ts';
import { Api } from '../support/api.ts';
import { enrol } from '../support/wire-agent.ts';
import { report, round } from './measure.ts';
import { hubSide } from './streams.ts';

const written = (pid: number): number =>
	Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${String(pid)}/io`, 'utf8'))?.[1]);

const hub = await startHub({ agent: false });
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const { project_id, job_id } = await admin.jobWith('#!/bin/sh\ntrue\n');
	const identity = await enrol(admin, 'disk', { project_ids: [project_id] });
	const { workerd } = hub.pids();
	if (workerd === null) throw new Error('there is no runtime to measure');
	for (const [name, size, count] of [
		['64 KiB batches, 100 MB', 65_536, 1600],
		['16 KiB batches, 50 MB', 16_384, 3200],
	] as const) {
		const line = (i: number) =>
			`2026-11-23T10:00:00.${String(i % 1000).padStart(3, '0')}Z step ${String(i)} of the deployment finished in ${String((i * 7919) % 1000)} ms\n`;
		const side = await hubSide(admin, identity, job_id);
		const before = written(workerd);
		for (let i = 0; i < count; i++) {
			let text = '';
			for (let j = 0; text.length < size; j++) text += line(i * 1000 + j);
			await side.send(side.frame(Buffer.from(text).subarray(0, size)));
		}
		await side.end();
		const cost = (written(workerd) - before) / (size * count);
		report(`8 disk written per byte of log, ${name}`, `${round(cost)}×`, '≤ 2.0×', cost <= 2);
	}
} finally {
	await hub.stop();
}
