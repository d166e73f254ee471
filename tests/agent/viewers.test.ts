// Many viewers of one log on a real hub: who cannot follow holds up nobody, and misses nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFrame, Kind, UNACKED_MAX } from '#protocol/run-frames.ts';
import { Api } from '#tests/support/api.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { Watching } from '#tests/support/watching.ts';
import { enrol, type Identity, WireAgent } from '#tests/support/wire-agent.ts';

let hub: TestHub;
let admin: Api;
let identity: Identity;
let job_id: number;

beforeAll(async () => {
	hub = await startHub({ agent: false });
	admin = await Api.signIn(hub.url, 'admin', hub.password);
	const job = await admin.jobWith('true', { labels: { wire: 'yes' } });
	job_id = job.job_id;
	identity = await enrol(admin, 'wire', { project_ids: [job.project_id], labels: { wire: 'yes' } });
});

afterAll(async () => {
	await hub.stop();
});

describe('the viewers of a run', () => {
	it('48: one that does not read holds up nobody, and has all of the log when it reads on', async () => {
		const agent = await WireAgent.connect(hub.url, identity);
		const run_id = await admin.run(job_id);
		const at = await agent.begin();
		const [quick, stuck] = [await Watching.of(admin, run_id), await Watching.of(admin, run_id)];
		stuck.ws.pause();
		const block = Buffer.alloc(65_536, 'a line of sixty-four bytes, to be told apart by where it is....\n');
		const whole: Buffer[] = [];
		let unacked = 0;
		// More than a socket and the hub's memory for it hold: the rest has to come from storage.
		for (let n = 1; n <= 320; n++) {
			block.write(String(n).padStart(8, '0'));
			whole.push(Buffer.from(block));
			agent.ws.send(agent.chunk(at, block));
			unacked += block.length;
			if (unacked + block.length > UNACKED_MAX) {
				await agent.next('ack', (m) => m.run_id === run_id && m.seq >= n);
				unacked = 0;
			}
		}
		const log = Buffer.concat(whole);
		await expect.poll(() => quick.log.length).toBe(log.length);
		agent.finish(at);
		await expect.poll(() => quick.closed).toBe(1000);
		expect(quick.log.equals(log)).toBe(true);
		expect(stuck.closed).toBeNull();
		expect(stuck.log.length).toBeLessThan(log.length);
		stuck.ws.resume();
		await expect.poll(() => stuck.closed).toBe(1000);
		expect(stuck.log.equals(log)).toBe(true);
		expect(stuck.last).toMatchObject({ status: 'success' });
		await agent.close();
	});

	it('who come while lines gather for the others have each line once, in order', async () => {
		const agent = await WireAgent.connect(hub.url, identity);
		const run_id = await admin.run(job_id);
		const at = await agent.begin();
		const watching: Watching[] = [];
		let written = '';
		for (let n = 0; n < 300; n++) {
			const line = `line ${String(n)}\n`;
			written += line;
			agent.ws.send(agent.chunk(at, Buffer.from(line), n % 50 === 49 ? 2 : 1));
			if (n % 5 === 0) watching.push(await Watching.of(admin, run_id));
		}
		agent.finish(at);
		for (const viewer of watching) {
			await expect.poll(() => viewer.closed).toBe(1000);
			expect(viewer.log.toString()).toBe(written);
		}
		const messages = watching[0]?.messages.map(decodeFrame).filter(({ kind }) => kind === Kind.log) ?? [];
		expect(messages.length).toBeLessThan(300);
		await agent.close();
	});
});
