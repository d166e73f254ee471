// The agent as operators get it, as a process of its own, beside a FakeHub.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { enrolled } from './enrolled.ts';
import type { FakeHub } from './fake-hub.ts';

export const BUNDLE =
	process.env['UHUB_AGENT_BUNDLE'] ?? path.resolve(import.meta.dirname, '../../dist/uhub-agent.mjs');

export interface Ended {
	code: number | null;
	stdout: string;
	stderr: string;
}

/** Runs one command of the agent to its end; `stdin` is all there is to read. */
export const command = (args: string[], env: Record<string, string> = {}, stdin = ''): Promise<Ended> =>
	new Promise((resolve) => {
		const all = { env: { ...process.env, ...env } };
		const child = execFile(process.execPath, [BUNDLE, ...args], all, (error, stdout, stderr) => {
			resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
		});
		// It may have ended without reading.
		child.stdin?.on('error', () => undefined).end(stdin);
	});

export const LOCAL_POLICY =
	'version: 1\nprojects: all\nbackends: [local, dummy]\ntools: [shell, custom]\nscripts: { uploaded: true }\n';

export class AgentProcess {
	readonly home: string;
	readonly #hub: FakeHub;
	#env: Record<string, string>;
	#child: ChildProcess | null = null;
	output = '';

	private constructor(hub: FakeHub, home: string, env: Record<string, string>) {
		this.#hub = hub;
		this.home = home;
		this.#env = env;
	}

	/** Enrolled and, unless told otherwise, running and connected. */
	static async create(
		hub: FakeHub,
		options: { policy?: string; env?: Record<string, string>; home?: string; capacity?: number; start?: boolean } = {},
	): Promise<AgentProcess> {
		const home = options.home ?? mkdtempSync(path.join(os.tmpdir(), 'uhub-agent-'));
		await enrolled(hub.url, hub.token, home, 'a', options.capacity);
		const agent = new AgentProcess(hub, home, options.env ?? {});
		agent.policy(options.policy ?? LOCAL_POLICY);
		if (options.start !== false) await agent.start();
		return agent;
	}

	get pid(): number {
		return this.#child?.pid ?? 0;
	}

	/** Those it has now, where the host gives it any. */
	controlGroups(): string[] {
		const [, own = ''] = /^0::(.*)$/m.exec(readFileSync(`/proc/${String(this.pid)}/cgroup`, 'utf8')) ?? [];
		const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'utf8'))?.[1] ?? '';
		return readdirSync(path.join(mount, path.dirname(own))).filter((name) => name.includes(`-${String(this.pid)}-`));
	}

	policy(text: string): void {
		writeFileSync(path.join(this.home, 'policy.yaml'), text, { mode: 0o600 });
	}

	/** What its next start adds to the environment. */
	env(env: Record<string, string>): void {
		this.#env = env;
	}

	/** Resolves when the hub has its hello. */
	async start(): Promise<void> {
		const before = this.#hub.hellos.length;
		this.spawn();
		await this.#hub
			.until(() => this.#hub.hellos.length > before, 'a hello')
			.catch((error: unknown) => {
				throw new Error(`${String(error)}\n${this.output}`);
			});
	}

	spawn(): void {
		const child = spawn(process.execPath, [BUNDLE, 'start', '--home', this.home], {
			env: { ...process.env, ...this.#env },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		for (const stream of [child.stdout, child.stderr])
			stream.on('data', (part: Buffer) => (this.output += part.toString()));
		this.#child = child;
	}

	async end(signal: NodeJS.Signals): Promise<number | null> {
		const child = this.#child;
		if (!child) return null;
		if (child.exitCode === null && child.signalCode === null) {
			child.kill(signal);
			await once(child, 'exit');
		}
		return child.exitCode;
	}

	async remove(): Promise<void> {
		await this.end('SIGTERM');
		rmSync(this.home, { recursive: true, force: true });
	}
}

/** The living processes whose environment or arguments hold a text. */
export function processesWith(text: string): number[] {
	return readdirSync('/proc').flatMap((name) => {
		if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
		try {
			const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
			if (/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))) return [];
			const said = readFileSync(`/proc/${name}/cmdline`, 'latin1') + readFileSync(`/proc/${name}/environ`, 'latin1');
			return said.includes(text) ? [Number(name)] : [];
		} catch {
			return [];
		}
	});
}
