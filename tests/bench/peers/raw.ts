// Runs a Worker of this folder the way the hub is run: same runtime, same configuration, same D1.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { workerdConfig } from '../../../scripts/lib/workerd-config.mjs';
import { reservePort } from '../../../scripts/lib/workerd.mjs';

const ROOT = path.resolve(import.meta.dirname, '../../..');

export interface RawWorker {
	url: string;
	pid: number;
	stop(): Promise<void>;
}

/** `module`: a file of this folder. */
export async function startRaw(
	module: string,
	objects: { binding: string; className: string }[] = [],
): Promise<RawWorker> {
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
			hubModule: path.join(import.meta.dirname, module),
			assetsModule: path.join(dir, 'assets.js'),
			assetsManifest: path.join(dir, 'assets.json'),
			assetsDir: path.join(dir, 'files'),
			miniflareDir: path.join(ROOT, 'node_modules/miniflare/dist/src/workers'),
			dataDir: dir,
			version: 'bench',
			compatibilityDate: '2026-11-01',
			objects,
			crons: [],
			variables: [],
			webhookNetworks: [],
			url: 'http://127.0.0.1',
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
	if (child.pid === undefined) throw new Error('workerd has no process');
	return {
		url: `http://127.0.0.1:${String(port)}`,
		pid: child.pid,
		async stop() {
			child.kill('SIGKILL');
			await once(child, 'exit');
			fs.rmSync(dir, { recursive: true, force: true });
		},
	};
}
