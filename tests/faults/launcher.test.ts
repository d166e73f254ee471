// What `npm start` promises about starting, stopping and being killed, on the real programs.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processesWith } from '#tests/support/agent-process.ts';
import { Api } from '#tests/support/api.ts';
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
		await expect.poll(() => healthy(hub)).toBe(true);
		await expect.poll(() => alive(hub.pids().agent)).toBe(true);
		expect(hub.pids().workerd).not.toBe(before.workerd);
		expect(hub.output()).toContain("The hub's runtime ended by itself");
	});

	it('leaves nothing behind when it is killed, and starts again at once', async () => {
		const { workerd, agent } = hub.pids();
		await hub.kill9();
		await expect.poll(() => alive(workerd)).toBe(false);
		await hub.restart();
		// A dead process has an id until the system's first one has taken note.
		await expect.poll(() => alive(agent)).toBe(false);
		expect(await healthy(hub)).toBe(true);
	});

	it('starts where a socket’s path would be too long', async () => {
		const dataDir = path.join(base, 'd'.repeat(120));
		mkdirSync(dataDir);
		const deep = await startHub({ dataDir, agent: false });
		expect(await deep.stop()).toBe(0);
	});

	it('at Ctrl-C ends its agent’s runs first, down to the last process, and loses nothing of them', async () => {
		const dir = mkdtempSync(path.join(base, 'run-'));
		const person = await Api.signIn(hub.url, 'admin', hub.password);
		// What it leaves behind is deaf; it writes each line down before it says it, and is done with both when it ends.
		const { job_id } = await person.jobWith(`#!/bin/sh
(setsid sh -c 'trap "" INT TERM HUP; while :; do sleep 0.1; done' &)
trap 'over=1' INT
echo "$UHUB_RUN_ID" >> "$UHUB_PARAM_DIR/spawns"
i=0
while [ -z "$over" ]; do
	i=$((i + 1))
	echo "line $i" >> "$UHUB_PARAM_DIR/lines"
	echo "line $i"
	sleep 0.02
done
`);
		const run_id = await person.run(job_id, { parameters: { DIR: dir } });
		await expect.poll(async () => (await person.log(run_id)).toString()).toContain('line 20\n');
		await expect.poll(() => processesWith(`${dir}\0`).length).toBeGreaterThan(1);

		const { workerd, agent } = hub.pids();
		process.kill(hub.pid, 'SIGINT');
		await expect.poll(() => alive(hub.pid), { timeout: 40_000 }).toBe(false);
		expect(hub.output()).toContain('uHub stopped.');
		expect([alive(workerd), alive(agent)]).toEqual([false, false]);
		expect(processesWith(`${dir}\0`)).toEqual([]);

		await hub.restart();
		expect(await person.ended(run_id)).toMatchObject({ status: 'canceled', reason: { code: 'agent_stopped' } });
		const written = readFileSync(path.join(dir, 'lines'), 'utf8');
		expect((await person.log(run_id)).toString()).toBe(written);
		expect(written).toContain('line 20\n');
		expect(readFileSync(path.join(dir, 'spawns'), 'utf8')).toBe(`${String(run_id)}\n`);
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

describe('a machine that will not do is told of in one sentence', () => {
	let clone: string;

	/** A fresh clone: nothing is installed. */
	beforeAll(() => {
		clone = mkdtempSync(path.join(os.tmpdir(), 'uhub-clone-'));
		for (const name of ['scripts', 'tests/bench', 'package.json', 'package-lock.json', '.npmrc', 'wrangler.toml'])
			cpSync(path.resolve(import.meta.dirname, '../..', name), path.join(clone, name), { recursive: true });
	});
	afterAll(() => rmSync(clone, { recursive: true, force: true }));

	/** Runs one of its scripts; `first` is what happens in its process before. */
	const script = (name: string, first: string, args: string[] = []) =>
		new Promise<{ code: unknown; said: string }>((resolve) => {
			const before = `--import=data:text/javascript,${encodeURIComponent(first)}`;
			// Nothing listens on the port of the registry.
			const env = {
				...{ PATH: process.env['PATH'], HOME: clone, UHUB_DATA_DIR: path.join(clone, 'data') },
				...{ npm_config_registry: 'http://127.0.0.1:1/', npm_config_fetch_retries: '0' },
			};
			const all = [before, path.join(clone, 'scripts', name), ...args];
			execFile(process.execPath, all, { cwd: clone, env }, (error, stdout, stderr) => {
				resolve({ code: error ? error.code : 0, said: stdout + stderr });
			});
		});

	const OLD = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } })";
	const FULL = "import fs from 'node:fs'; fs.statfsSync = () => ({ bavail: 0, bsize: 4096 })";
	const scripts: [string, string[]][] = [
		['start.mjs', []],
		['test.mjs', ['unit']],
		['bench.mjs', []],
		['deploy.mjs', ['--dry-run']],
	];

	it.each(scripts)('%s: by a Node that is too old', async (name, args) => {
		const { code, said } = await script(name, OLD, args);
		expect(said).toMatch(/uHub needs Node\.js [\d.]+ or newer on this machine \(.+\), and this is 18\.20\.0\./);
		expect(said).not.toMatch(/^ +at /m);
		expect(code).toBe(1);
	});

	it.each(scripts.filter(([name]) => name === 'start.mjs' || name === 'deploy.mjs'))(
		'%s: without a registry to install from',
		async (name, args) => {
			const { code, said } = await script(name, '', args);
			expect(said).toContain('The package registry cannot be reached');
			expect(said).not.toMatch(/^ +at |ERR_MODULE_NOT_FOUND/m);
			expect(code).toBe(1);
		},
	);

	it('start.mjs: on a disk without room', async () => {
		const { code, said } = await script('start.mjs', FULL);
		expect(said).toMatch(
			/^uHub cannot start: There is not enough room in .+: the hub needs 100 MB and 0 MB are free\.$/m,
		);
		expect(code).toBe(1);
	});

	it('deploy.mjs: before there is a database to deploy to', async () => {
		const { code, said } = await script('deploy.mjs', '');
		expect(said).toMatch(/^uHub cannot be deployed: wrangler\.toml has no database yet/);
		expect(code).toBe(1);
	});
});
