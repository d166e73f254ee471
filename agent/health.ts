import { execFile } from 'node:child_process';
import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import { promisify } from 'node:util';
import type { Abilities, HostReport } from '#domain/agent.ts';
import { Tool } from '#domain/tool.ts';
import type { Policy } from './policy/index.ts';

const GIB = 1024 ** 3;
const round = (n: number): number => Math.round(n * 1000) / 1000;

/** The host as it is now. `disk`: a path on the file system to report. */
export async function hostReport(disk: string, now: number): Promise<HostReport> {
	const [load1 = 0, load5 = 0, load15 = 0] = os.loadavg();
	const { bsize, blocks, bfree, bavail } = await statfs(disk);
	const total = os.totalmem();
	return {
		snapshot_time: new Date(now).toISOString(),
		cpu_cores: os.availableParallelism(),
		cpu_load_1m: round(load1),
		cpu_load_5m: round(load5),
		cpu_load_15m: round(load15),
		ram_total_gib: round(total / GIB),
		ram_used_gib: round((total - (await availableMemory())) / GIB),
		disk_path: disk,
		disk_total_gib: round((blocks * bsize) / GIB),
		disk_used_gib: round(((blocks - bfree) * bsize) / GIB),
		disk_free_gib: round((bavail * bsize) / GIB),
	};
}

/** Bytes a program could still get: free memory plus the caches that would give way. */
async function availableMemory(): Promise<number> {
	const meminfo = await readFile('/proc/meminfo', 'utf8').catch(() => '');
	const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
	return kib === undefined ? os.freemem() : Number(kib) * 1024;
}

const versions: Record<string, { argv: [string, ...string[]]; pattern: RegExp }> = {
	git: { argv: ['git', '--version'], pattern: /version (\S+)/ },
	ansible: { argv: ['ansible-playbook', '--version'], pattern: /\[?core ([^\s\]]+)/ },
	terraform: { argv: ['terraform', 'version'], pattern: /Terraform v(\S+)/ },
	kubectl: { argv: ['kubectl', 'version', '--client'], pattern: /Client Version: v?(\S+)/ },
};

/** A run's tool that the policy does not allow is not asked: ansible alone takes a second to answer. */
function isAsked(name: string, policy: Policy | null): boolean {
	const tool = Tool.safeParse(name);
	return !policy || !tool.success || policy.tools.includes(tool.data);
}

/** The programs found on this host that the policy (null: any) has a use for, and the engine that it names, with their versions. */
export async function foundTools(policy: Policy | null): Promise<Record<string, string>> {
	const asked = Object.entries(versions).filter(([name]) => isAsked(name, policy));
	const found = await Promise.all([
		foundEngine(policy),
		...asked.map(async ([name, { argv, pattern }]): Promise<[string, string][]> => {
			try {
				const [program, ...args] = argv;
				const { stdout } = await promisify(execFile)(program, args, { timeout: 10_000, maxBuffer: 65_536 });
				return [[name, (pattern.exec(stdout)?.[1] ?? 'unknown').slice(0, 100)]];
			} catch {
				return [];
			}
		}),
	]);
	return Object.fromEntries(found.flat());
}

/** Nothing where it does not answer. */
async function foundEngine(policy: Policy | null): Promise<[string, string][]> {
	if (!policy?.docker) return [];
	const { engineOf } = await import('./executors/docker/index.ts');
	const engine = await engineOf(policy.docker).catch(() => null);
	return engine ? [[engine.name, engine.version.slice(0, 100)]] : [];
}

/** What the agent can do: what its policy allows, and what it found. */
export const abilitiesOf = (policy: Policy, tools: Record<string, string>): Abilities => ({
	backends: policy.backends,
	tools: policy.mail ? { ...tools, smtp: `${policy.mail.host}:${String(policy.mail.port)}`.slice(0, 100) } : tools,
});
