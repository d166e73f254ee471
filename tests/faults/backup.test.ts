// A hub is backed up while runs are going on, and comes back elsewhere as it was at that moment.
import { execFile } from 'node:child_process';
import {
	appendFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '#tests/support/api.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SCRIPT = '#!/bin/sh\ni=0\nwhile [ $i -lt 400 ]; do i=$((i + 1)); echo "line $i"; sleep 0.01; done\n';

const tool = (name: 'backup' | 'restore', dataDir: string, place: string) =>
	new Promise<{ code: number; said: string }>((resolve) => {
		const args = [path.join(ROOT, `scripts/${name}.mjs`), place];
		const child = execFile(
			process.execPath,
			args,
			{ env: { PATH: process.env.PATH, UHUB_DATA_DIR: dataDir } },
			(_error, out, problems) => resolve({ code: child.exitCode ?? -1, said: out + problems }),
		);
	});

const filesBelow = (dir: string): string[] =>
	readdirSync(dir, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => path.join(entry.parentPath, entry.name));

describe('a backup', () => {
	let base: string;
	let hub: TestHub;
	let admin: Api;
	let run_ids: number[];
	let project_id: number;
	const at = (name: string) => path.join(base, name);

	beforeAll(async () => {
		base = mkdtempSync(path.join(os.tmpdir(), 'uhub-backup-'));
		hub = await startHub({ dataDir: at('data') });
		admin = await Api.signIn(hub.url, 'admin', hub.password);
		const made = await admin.jobWith(SCRIPT);
		project_id = made.project_id;
		const started = [1, 2].map(() => admin.ok('POST', `/api/jobs/${String(made.job_id)}/runs`, {}));
		run_ids = (await Promise.all(started)).map(({ id }) => id as number);
	});
	afterAll(async () => {
		await hub.stop();
		rmSync(base, { recursive: true, force: true });
	});

	it('is of one moment, under writes and runs, and the hub goes on as if nothing had been', async () => {
		await expect.poll(async () => (await admin.get(`/api/runs/${String(run_ids[0])}`)).status).toBe('running');
		let writing = true;
		const writes = (async () => {
			let done = 0;
			for (; writing; done++)
				await admin.ok('POST', `/api/projects/${String(project_id)}/jobs`, {
					title: `job ${String(done)}`,
					job_type: 'meeting',
				});
			return done;
		})();
		const { code, said } = await tool('backup', hub.dataDir, at('backup'));
		writing = false;
		expect(code, said).toBe(0);
		expect(await writes).toBeGreaterThan(0);
		await admin.ok('POST', '/api/projects', { name: 'made afterwards' });
		for (const id of run_ids)
			await expect
				.poll(async () => (await admin.get(`/api/runs/${String(id)}`)).status, { timeout: 60_000 })
				.toBe('success');
	});

	it('is restored into an empty place: every database whole, everything of that moment there, nothing of later', async () => {
		expect((await tool('restore', at('restored'), at('backup'))).code).toBe(0);
		const databases = filesBelow(at('restored')).filter((file) => file.endsWith('.sqlite'));
		expect(databases.length).toBeGreaterThan(3);
		// On a copy of the copy: opening one takes its write-ahead log up.
		for (const file of filesBelow(at('backup')).filter((name) => name.endsWith('.sqlite'))) {
			const db = new DatabaseSync(file.replace(at('backup'), at('restored')));
			expect(db.prepare('pragma integrity_check').get(), file).toEqual({ integrity_check: 'ok' });
			db.close();
		}
		const second = await startHub({ dataDir: at('restored'), agent: false });
		try {
			const again = await Api.signIn(second.url, 'admin', hub.password);
			const names = async (api: Api) =>
				((await api.get('/api/projects?limit=200')).items as { name: string }[]).map(({ name }) => name);
			expect((await names(again)).concat('made afterwards').sort()).toEqual((await names(admin)).sort());
			for (const id of run_ids) expect((await again.get(`/api/runs/${String(id)}`)).id).toBe(id);
			const past = '/api/runs?status=success&sort=requested_at&limit=1';
			const [run] = (await again.get(past)).items as { id: number }[];
			const log = `/api/runs/${String(run?.id)}/log`;
			expect((await again.get(log)).text).toBe((await admin.get(log)).text);
			await second.restart();
			expect((await (await fetch(`${second.url}/api/health`)).json()) as unknown).toMatchObject({ status: 'ok' });
		} finally {
			await second.stop();
		}
	});

	it('is refused where it would do harm, and leaves nothing behind', async () => {
		const refused = async (dataDir: string, backup: string, why: string) => {
			const { code, said } = await tool('restore', dataDir, backup);
			expect(code).toBe(1);
			expect(said).toContain(why);
		};
		await refused(hub.dataDir, at('backup'), 'is not empty');
		expect((await tool('backup', hub.dataDir, at('backup'))).said).toContain('exists already');
		mkdirSync(at('nothing'));
		await refused(at('fresh'), at('nothing'), 'is no backup');

		const file = path.join(at('backup'), 'manifest.json');
		const good = readFileSync(file, 'utf8');
		const manifest = JSON.parse(good) as { migrations: string[]; files: { path: string }[] };
		writeFileSync(file, JSON.stringify({ ...manifest, migrations: [...manifest.migrations, '9999_later.sql'] }));
		await refused(at('fresh'), at('backup'), 'newer uHub');
		for (const name of ['../escaped', 'd1/../../escaped', '/etc/escaped', 'hub.lock']) {
			writeFileSync(file, JSON.stringify({ ...manifest, files: [{ ...manifest.files[0], path: name }] }));
			await refused(at('fresh'), at('backup'), 'no hub has');
		}
		writeFileSync(file, good);
		appendFileSync(path.join(at('backup'), manifest.files[0]?.path ?? ''), 'x');
		await refused(at('fresh'), at('backup'), 'is not as it was');
		expect(existsSync(at('fresh'))).toBe(false);
		expect(readdirSync(base).filter((name) => name.includes('restoring'))).toEqual([]);
	});
});
