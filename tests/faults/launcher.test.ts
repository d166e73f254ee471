// What `npm start` promises about starting, stopping and being killed, on the real programs.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHub, type TestHub } from '#tests/support/hub.ts';

const alive = (pid: number | null) => {
	try {
		return pid !== null && process.kill(pid, 0);
	} catch {
		return false;
	}
};
const healthy = async (hub: TestHub) => (await fetch(`${hub.url}/api/health`).catch(() => null))?.ok ?? false;

describe('the local hub', () => {
	let base: string;
	let hub: TestHub;

	beforeAll(async () => {
		base = mkdtempSync(path.join(os.tmpdir(), 'uhub-launcher-'));
		hub = await startHub({ dataDir: path.join(base, 'data') });
	});
	afterAll(async () => {
		await hub.stop();
		rmSync(base, { recursive: true, force: true });
	});

	it('answers when it says it is ready, and keeps its secrets to itself', async () => {
		expect(await healthy(hub)).toBe(true);
		expect(statSync(hub.dataDir).mode & 0o777).toBe(0o700);
		for (const file of ['secret', 'demo-password', 'hub.capnp'])
			expect(statSync(path.join(hub.dataDir, file)).mode & 0o777).toBe(0o600);
		const secret = readFileSync(path.join(hub.dataDir, 'secret'), 'utf8').trim();
		expect(readFileSync(path.join(hub.dataDir, 'hub.capnp'), 'utf8')).not.toContain(secret);
	});

	it('starts a second time, building nothing', async () => {
		await hub.restart();
		expect(hub.output()).not.toContain('Building');
	});

	it('refuses a second hub on its directory, and says who holds it', async () => {
		await expect(startHub({ dataDir: hub.dataDir })).rejects.toThrow(`Another uHub (process ${hub.pid})`);
		expect(await healthy(hub)).toBe(true);
	});

	it('says that a port is taken', async () => {
		const port = Number(new URL(hub.url).port);
		await expect(startHub({ dataDir: path.join(base, 'other'), port })).rejects.toThrow(
			`Port ${port} on 127.0.0.1 is taken`,
		);
	});

	it('never lets accounts with a chosen password face a network', async () => {
		await expect(startHub({ dataDir: path.join(base, 'open'), host: '0.0.0.0' })).rejects.toThrow(
			'is refused when HOST',
		);
		// The shared hub's accounts were made with a chosen password: taking it out of the environment changes nothing.
		await hub.kill9();
		const later = startHub({ dataDir: hub.dataDir, host: '0.0.0.0', env: { UHUB_DEMO_PASSWORD: '' } });
		await expect(later).rejects.toThrow('once had a password from UHUB_DEMO_PASSWORD');
		await hub.restart();
	});

	it('starts its runtime and its agent again when they die', async () => {
		const before = hub.pids();
		for (const pid of [before.workerd, before.agent]) process.kill(pid as number, 'SIGKILL');
		await expect.poll(() => healthy(hub), { timeout: 10_000 }).toBe(true);
		await expect.poll(() => alive(hub.pids().agent), { timeout: 10_000 }).toBe(true);
		expect(hub.pids().workerd).not.toBe(before.workerd);
		expect(hub.output()).toContain("The hub's runtime ended by itself");
	});

	it('leaves nothing behind when it is killed, and starts again at once', async () => {
		const { workerd, agent } = hub.pids();
		await hub.kill9();
		await expect.poll(() => alive(workerd), { timeout: 5_000 }).toBe(false);
		await hub.restart();
		// A dead process has an id until the system's first one has taken note.
		await expect.poll(() => alive(agent), { timeout: 5_000 }).toBe(false);
		expect(await healthy(hub)).toBe(true);
	});

	it('starts where a socket’s path would be too long', async () => {
		const dataDir = path.join(base, 'd'.repeat(120));
		mkdirSync(dataDir);
		const deep = await startHub({ dataDir, agent: false });
		expect(await deep.stop()).toBe(0);
	});

	it('stops with code 0, taking all of it along', async () => {
		const { workerd, agent } = hub.pids();
		expect(await hub.stop()).toBe(0);
		expect([alive(workerd), alive(agent)]).toEqual([false, false]);
		await new Promise<void>((resolve, reject) => {
			const server = net.createServer().once('error', reject);
			server.listen(Number(new URL(hub.url).port), '127.0.0.1', () => server.close(() => resolve()));
		});
	});
});
