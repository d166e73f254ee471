// The agent as operators get it, dist/uhub-agent.mjs, as a process of its own that a test can kill and start again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Api } from './api.ts';
import { enrolled } from './enrolled.ts';

const BUNDLE = path.resolve(import.meta.dirname, '../../dist/uhub-agent.mjs');

export interface RealAgent {
	readonly id: number;
	readonly home: string;
	readonly pid: number;
	/** What it printed so far. */
	output(): string;
	kill9(): Promise<void>;
	/** SIGTERM; resolves with the exit code. */
	stop(): Promise<number | null>;
	start(): void;
	/** Ends it and removes its home. */
	remove(): Promise<void>;
}

export interface RealAgentOptions {
	name?: string;
	/** Where it dials; default: the hub itself. */
	dial?: string;
	capacity?: number;
	labels?: Record<string, string>;
	/** The whole of its policy.yaml; default: local runs of uploaded scripts. */
	policy?: string;
	env?: Record<string, string>;
	project_ids?: number[];
}

/** Enrols a new agent, confirms it as an admin would, starts it, and waits until the hub sees it online. */
export async function realAgent(admin: Api, options: RealAgentOptions = {}): Promise<RealAgent> {
	const home = mkdtempSync(path.join(os.tmpdir(), 'uhub-agent-'));
	const { token } = await admin.ok('POST', '/api/agents/enrolments', {
		...(options.project_ids ? { project_ids: options.project_ids } : {}),
		...(options.labels ? { labels: options.labels } : {}),
	});
	const name = options.name ?? path.basename(home).toLowerCase();
	await enrolled(options.dial ?? admin.url, token as string, home, name, options.capacity);
	if (options.policy !== undefined) writeFileSync(path.join(home, 'policy.yaml'), options.policy, { mode: 0o600 });
	const { items } = (await admin.get('/api/agents?limit=200')) as {
		items: { id: number; name: string; fingerprint: string }[];
	};
	const row = items.find((a) => a.name === name);
	if (!row) throw new Error(`the hub does not list agent ${name}`);
	await admin.ok('POST', `/api/agents/${String(row.id)}/confirm`, { fingerprint: row.fingerprint });

	let child: ChildProcess;
	let output = '';
	const start = () => {
		child = spawn(process.execPath, [BUNDLE, 'start', '--home', home], {
			env: { ...process.env, ...options.env },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		for (const stream of [child.stdout, child.stderr])
			stream?.on('data', (part: Buffer) => (output += part.toString()));
	};
	const end = async (signal: NodeJS.Signals) => {
		if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
		child.kill(signal);
		await once(child, 'exit');
		return child.exitCode;
	};
	start();
	await online(admin, row.id, () => output);
	return {
		id: row.id,
		home,
		get pid() {
			return child.pid ?? 0;
		},
		output: () => output,
		kill9: async () => {
			await end('SIGKILL');
		},
		stop: () => end('SIGTERM'),
		start,
		remove: async () => {
			await end('SIGKILL');
			rmSync(home, { recursive: true, force: true });
		},
	};
}

/** Resolves once the hub shows the agent online. */
export async function online(
	admin: Api,
	agent_id: number,
	output: () => string = () => '',
	patience_ms = 30_000,
): Promise<void> {
	const until = Date.now() + patience_ms;
	while ((await admin.get(`/api/agents/${String(agent_id)}`)).status !== 'online') {
		if (Date.now() > until) throw new Error(`agent ${String(agent_id)} is not online: ${output()}`);
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}
