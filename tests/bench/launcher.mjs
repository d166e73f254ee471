// Which way should the local hub run the Worker? Measures the same small Worker (launcher/worker.js) on `workerd serve`
// with our generated configuration and on the Miniflare API, with and without direct sockets.
//
//   node tests/bench/launcher.mjs [seconds per measure, default 3]
//
// The figures of the decision are in docs/adr/0002-local-launcher.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { workerdConfig } from '../../scripts/lib/workerd-config.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const CONNECTIONS = 16;
const seconds = Number(process.argv[2] ?? 3);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'uhub-bench-'));
const worker = path.join(here, 'launcher/worker.js');

for (const name of ['objects', 'd1', 'r2', 'cron', 'files']) fs.mkdirSync(path.join(dir, name));
fs.writeFileSync(path.join(dir, 'files/index.html'), '<!doctype html>');
fs.writeFileSync(
	path.join(dir, 'assets.json'),
	JSON.stringify({ '/index.html': { type: 'text/html', etag: 'a', encodings: [] } }),
);

/** One keep-alive connection asking for the same path again and again, as cheaply as Node can. */
function hammer(port, target, until) {
	return new Promise((resolve, reject) => {
		const request = `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
		let answered = 0;
		let expected = -1;
		let seen = 0;
		const socket = net.connect(port, '127.0.0.1', () => socket.write(request));
		socket.on('error', reject).on('data', (data) => {
			if (expected < 0) {
				const head = data.toString('latin1');
				const end = head.indexOf('\r\n\r\n');
				const length = /content-length: (\d+)/i.exec(head);
				if (end < 0 || !length || !head.startsWith('HTTP/1.1 200')) return reject(new Error(head.slice(0, 300)));
				expected = end + 4 + Number(length[1]);
			}
			seen += data.length;
			if (seen < expected) return;
			answered++;
			expected = -1;
			seen = 0;
			if (Date.now() < until) socket.write(request);
			else {
				socket.destroy();
				resolve(answered);
			}
		});
	});
}

async function requestsPerSecond(port, target) {
	const run = async (s) => {
		const until = Date.now() + s * 1000;
		const counts = await Promise.all(Array.from({ length: CONNECTIONS }, () => hammer(port, target, until)));
		return Math.round(counts.reduce((a, b) => a + b, 0) / s);
	};
	await run(1);
	return run(seconds);
}

async function echoesPerSecond(port) {
	const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
	await once(socket, 'open');
	const until = Date.now() + seconds * 1000;
	let n = 0;
	socket.send('x');
	while (Date.now() < until) {
		const [{ data }] = await once(socket, 'message');
		if (data !== 'me:x') throw new Error(`echoed ${data}`);
		n++;
		socket.send('x');
	}
	socket.close();
	return Math.round(n / seconds);
}

const kilobytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
const children = (pid) =>
	fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const megabytes = (pids) => Math.round(pids.reduce((sum, pid) => sum + kilobytes(pid), 0) / 1024);

async function ready(port) {
	for (;;) {
		try {
			if ((await fetch(`http://127.0.0.1:${port}/plain`)).ok) return;
		} catch {
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
	}
}

async function freePort() {
	const server = net.createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	return port;
}

async function measure(name, command, args, env, pids) {
	const port = Number(env.PORT);
	const started = performance.now();
	const child = spawn(command, args, {
		env: { ...process.env, ...env },
		stdio: ['ignore', 'ignore', 'inherit'],
		detached: true,
	});
	await ready(port);
	const readyMs = Math.round(performance.now() - started);
	const idle = megabytes(pids(child.pid));
	await fetch(`http://127.0.0.1:${port}/migrate`);
	const row = {
		name,
		'ready ms': readyMs,
		'idle MB': idle,
		'plain req/s': await requestsPerSecond(port, '/plain'),
		'D1 select req/s': await requestsPerSecond(port, '/d1'),
		'D1 insert req/s': await requestsPerSecond(port, '/d1-write'),
		'object req/s': await requestsPerSecond(port, '/do'),
		'page req/s': await requestsPerSecond(port, '/some/page'),
		'echo/s': await echoesPerSecond(port),
		'loaded MB': megabytes(pids(child.pid)),
	};
	// Its own children too: Miniflare's runtime would outlive it.
	process.kill(-child.pid, 'SIGKILL');
	await once(child, 'exit');
	return row;
}

const { buildSync } = await import('esbuild');
buildSync({
	entryPoints: [path.join(root, 'worker/local-assets.ts')],
	bundle: true,
	format: 'esm',
	outfile: path.join(dir, 'assets.js'),
});

const rows = [];
const port = await freePort();
fs.writeFileSync(
	path.join(dir, 'hub.capnp'),
	workerdConfig({
		publicAddress: `127.0.0.1:${port}`,
		controlSocket: path.join(dir, 'control.sock'),
		hubModule: worker,
		assetsModule: path.join(dir, 'assets.js'),
		assetsManifest: path.join(dir, 'assets.json'),
		assetsDir: path.join(dir, 'files'),
		miniflareDir: path.join(root, 'node_modules/miniflare/dist/src/workers'),
		dataDir: dir,
		version: 'bench',
		compatibilityDate: '2026-11-01',
		objects: [{ binding: 'PROBE', className: 'Probe' }],
		crons: ['* * * * *'],
		variables: [],
		webhookNetworks: [],
	}),
);
const workerd = path.join(root, 'node_modules/@cloudflare/workerd-linux-64/bin/workerd');
rows.push(
	await measure(
		'workerd serve',
		workerd,
		['serve', '--experimental', '-I', '/', path.join(dir, 'hub.capnp'), 'config'],
		{ PORT: String(port), UHUB_SECRET: 'bench' },
		(pid) => [pid],
	),
);
for (const direct of ['', '1']) {
	rows.push(
		await measure(
			direct ? 'Miniflare, direct sockets' : 'Miniflare',
			process.execPath,
			[path.join(here, 'launcher/miniflare.mjs'), worker, path.join(dir, 'files'), path.join(dir, `mf${direct}`)],
			{ PORT: String(await freePort()), DIRECT: direct },
			(pid) => [pid, ...children(pid)],
		),
	);
}
console.table(rows);
fs.rmSync(dir, { recursive: true, force: true });
