// Runs raw-list.worker.js the way the hub is run: same runtime, same configuration, same D1.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { workerdConfig } from '../../../scripts/lib/workerd-config.mjs';
import { reservePort } from '../../../scripts/lib/workerd.mjs';

const ROOT = path.resolve(import.meta.dirname, '../../..');

export interface RawList {
	url: string;
	/** Makes the table from rows as the API gives them. */
	fill(rows: Record<string, unknown>[]): Promise<void>;
	stop(): Promise<void>;
}

export async function startRawList(): Promise<RawList> {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'uhub-raw-'));
	for (const name of ['objects', 'd1', 'r2', 'cron', 'files']) fs.mkdirSync(path.join(dir, name));
	fs.writeFileSync(path.join(dir, 'assets.json'), '{}');
	fs.writeFileSync(path.join(dir, 'assets.js'), 'export default { fetch: () => new Response(null, { status: 404 }) };');
	const port = await reservePort('127.0.0.1', 0);
	fs.writeFileSync(
		path.join(dir, 'hub.capnp'),
		workerdConfig({
			publicAddress: `127.0.0.1:${String(port)}`,
			controlSocket: path.join(dir, 'control.sock'),
			hubModule: path.join(import.meta.dirname, 'raw-list.worker.js'),
			assetsModule: path.join(dir, 'assets.js'),
			assetsManifest: path.join(dir, 'assets.json'),
			assetsDir: path.join(dir, 'files'),
			miniflareDir: path.join(ROOT, 'node_modules/miniflare/dist/src/workers'),
			dataDir: dir,
			version: 'bench',
			compatibilityDate: '2026-11-01',
			objects: [],
			crons: [],
			signIn: [],
			webhookNetworks: [],
		}),
	);
	const child = spawn(
		path.join(ROOT, 'node_modules/.bin/workerd'),
		['serve', '--experimental', '-I', '/', '--control-fd=3', path.join(dir, 'hub.capnp'), 'config'],
		{ env: { UHUB_SECRET: 'bench' }, stdio: ['ignore', 'ignore', 'inherit', 'pipe'] },
	);
	const control = child.stdio[3];
	if (!control) throw new Error('workerd has no control pipe');
	await once(control, 'data');
	const url = `http://127.0.0.1:${String(port)}`;
	return {
		url: `${url}/jobs?limit=50`,
		async fill(rows) {
			const flat = rows.map((row) =>
				Object.fromEntries(
					Object.entries(row).map(([k, v]) => [k, typeof v === 'object' && v !== null ? JSON.stringify(v) : v]),
				),
			);
			const answer = await fetch(`${url}/fill`, {
				method: 'POST',
				body: JSON.stringify({ table: 'jobs', rows: flat }),
			});
			if (!answer.ok) throw new Error(`fill answered ${String(answer.status)}`);
		},
		async stop() {
			child.kill('SIGKILL');
			await once(child, 'exit');
			fs.rmSync(dir, { recursive: true, force: true });
		},
	};
}
