// A real Docker engine of a test's own: its socket, its data and its images are in one directory, and go with it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import os from 'node:os';
import path from 'node:path';

const BUSYBOX = '/bin/busybox';
const dockerd = ['/usr/bin/dockerd', '/usr/sbin/dockerd', '/usr/local/bin/dockerd'].find((file) => existsSync(file));

/** Why there can be none here; null: there can. */
export const noDockerd: string | null =
	dockerd === undefined
		? 'there is no dockerd (Debian: docker.io)'
		: !existsSync(BUSYBOX)
			? `there is no ${BUSYBOX} (Debian: busybox-static)`
			: process.getuid?.() !== 0
				? 'only root can start a dockerd'
				: null;
if (noDockerd !== null && process.env['CI']) throw new Error(noDockerd);

export interface Answer {
	status: number;
	body: unknown;
}

export class Dockerd {
	readonly dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-dockerd-'));
	readonly socket = path.join(this.dir, 'docker.sock');
	#child: ChildProcess | null = null;
	#said = '';

	/** With the image `uhub-test:1`: busybox, root and the user `app` (1000). */
	static async start(): Promise<Dockerd> {
		const engine = new Dockerd();
		await engine.start();
		await engine.import('uhub-test', '1');
		return engine;
	}

	get pid(): number {
		return this.#child?.pid ?? 0;
	}

	get data(): string {
		return path.join(this.dir, 'data');
	}

	async start(): Promise<void> {
		const at = (name: string) => path.join(this.dir, name);
		// A killed engine takes its containerd along, and leaves the pids of both.
		for (const file of ['pid', 'exec/containerd/containerd.pid']) rmSync(at(file), { force: true });
		const child = spawn(
			dockerd ?? '',
			[
				...['--storage-driver=vfs', '--iptables=false', '--ip6tables=false', '--bridge=none', '--live-restore'],
				...['--data-root', this.data, '--exec-root', at('exec'), '-H', `unix://${this.socket}`, '--pidfile', at('pid')],
				...['--insecure-registry', '127.0.0.0/8'],
			],
			{ stdio: ['ignore', 'ignore', 'pipe'] },
		);
		child.stderr.on('data', (part: Buffer) => (this.#said = (this.#said + part.toString()).slice(-20_000)));
		this.#child = child;
		const until = Date.now() + 60_000;
		while ((await this.ask('GET', '/_ping').catch(() => null))?.status !== 200) {
			if (child.exitCode !== null || Date.now() > until) throw new Error(`dockerd does not come up:\n${this.#said}`);
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	/** Ends the engine; its containers live on with SIGKILL, as they do when it is upgraded. */
	async end(signal: NodeJS.Signals): Promise<void> {
		const child = this.#child;
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		child.kill(signal);
		await once(child, 'exit');
	}

	async remove(): Promise<void> {
		for (const { Id } of await this.containers().catch(() => [])) await this.ask('DELETE', `/containers/${Id}?force=1`);
		await this.end('SIGTERM');
		// A container that outlived an engine leaves what that one had mounted for it.
		const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
		const ours = mounts.map((line) => line.split(' ')[1] ?? '').filter((at) => at.startsWith(`${this.dir}/`));
		if (ours.length > 0) execFileSync('umount', ['-l', ...ours]);
		rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
	}

	/** One request; a body that is no JSON comes as text. */
	ask(method: string, target: string, body?: Buffer | object): Promise<Answer> {
		const sent = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
		const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
		return new Promise((resolve, reject) => {
			const asked = request(
				{ socketPath: this.socket, method, path: target, headers: sent ? { 'content-type': type } : {} },
				(response) => {
					let text = '';
					response.on('data', (part: Buffer) => (text += part.toString()));
					response.on('end', () => {
						resolve({ status: response.statusCode ?? 0, body: parsed(text) });
					});
					response.on('error', reject);
				},
			);
			asked.on('error', reject);
			asked.end(sent);
		});
	}

	async containers(): Promise<{ Id: string; Names: string[]; State: string }[]> {
		return (await this.ask('GET', '/containers/json?all=1')).body as { Id: string; Names: string[]; State: string }[];
	}

	async volumes(): Promise<string[]> {
		const { body } = await this.ask('GET', '/volumes');
		return ((body as { Volumes: { Name: string }[] | null }).Volumes ?? []).map(({ Name }) => Name);
	}

	/** Of a container, in full. */
	async inspect(name: string): Promise<Record<string, unknown> & { State: Record<string, unknown> }> {
		return (await this.ask('GET', `/containers/${name}/json`)).body as never;
	}

	/** Runs a program in a container, as root. */
	async exec(container: string, ...argv: string[]): Promise<void> {
		const { body } = await this.ask('POST', `/containers/${container}/exec`, { Cmd: argv, User: '0' });
		await this.ask('POST', `/exec/${(body as { Id: string }).Id}/start`, { Detach: true });
	}

	async import(repo: string, tag: string): Promise<void> {
		const { status, body } = await this.ask('POST', `/images/create?fromSrc=-&repo=${repo}&tag=${tag}`, rootFs());
		if (status !== 200) throw new Error(`no image: ${JSON.stringify(body)}`);
	}
}

const parsed = (text: string): unknown => {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
};

/** The root of an image, as a tar: busybox under all its names. */
export function rootFs(): Buffer {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-image-'));
	try {
		chmodSync(dir, 0o755);
		for (const name of ['bin', 'etc', 'tmp']) mkdirSync(path.join(dir, name));
		chmodSync(path.join(dir, 'tmp'), 0o1777);
		copyFileSync(BUSYBOX, path.join(dir, 'bin/busybox'));
		for (const name of execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n'))
			if (name !== 'busybox') symlinkSync('busybox', path.join(dir, 'bin', name));
		writeFileSync(path.join(dir, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n');
		return execFileSync('tar', ['-C', dir, '-c', '.'], { maxBuffer: 64 * 1_048_576 });
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
}
