// An agent, a hub that is its side of the protocol, and real sshds to be the hosts of its runs.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Stream } from '#protocol/run-frames.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { AgentProcess } from './agent-process.ts';
import { FakeHub, type HubRun, textOf } from './fake-hub.ts';
import { Gates } from './gates.ts';
import type { SpecOf } from './specs.ts';
import { silent, type Sshd, SshTown } from './sshd.ts';

export type SshConfig = Extract<RunSpec['execution'], { backend: 'ssh' }>['config'];

export const target = (name: string, { address, port }: { address: string; port: number }) => ({ name, address, port });

export class SshWorld {
	readonly town: SshTown;
	readonly gates: Gates;
	readonly hub: FakeHub;
	readonly agent: AgentProcess;
	/** web1, web2 and web3. */
	readonly hosts: readonly Sshd[];
	/** Where nobody answers. */
	readonly away: Awaited<ReturnType<typeof silent>>;

	private constructor(world: Pick<SshWorld, 'town' | 'gates' | 'hub' | 'agent' | 'hosts' | 'away'>) {
		this.town = world.town;
		this.gates = world.gates;
		this.hub = world.hub;
		this.agent = world.agent;
		this.hosts = world.hosts;
		this.away = world.away;
	}

	/** `policy`: beside what it says of ssh and of secrets. */
	static async create(
		env: Record<string, string>,
		policy = 'backends: [ssh]\ntools: [shell, custom]\n',
	): Promise<SshWorld> {
		const town = new SshTown();
		const dir = path.join(town.dir, 'there');
		for (const made of [dir, path.join(town.dir, 'data')]) mkdirSync(made);
		const hosts = await Promise.all(['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((address) => town.start(address)));
		town.know(...hosts.map(({ known }) => known));
		const hub = await FakeHub.start();
		hub.protocol = 2;
		const whole = `version: 1
projects: all
${policy}scripts: { uploaded: true, data_root: ${town.dir}/data }
secret_env: [DB_PASSWORD]
secrets:
  3: ['file:${town.dir}/', 'env:DEPLOY_*']
ssh:
  known_hosts: ${town.knownHosts}
  hosts: ['127.0.0.*']
  users: [root, nobody]
  jump: [127.0.0.9]
  max_parallel: 8
  connect_timeout_s: 3
  dir: ${dir}
`;
		const agent = await AgentProcess.create(hub, { policy: whole, env });
		return new SshWorld({ town, gates: new Gates(), hub, agent, hosts, away: await silent('127.0.0.11') });
	}

	async remove(): Promise<void> {
		await this.agent.remove();
		await this.hub.stop();
		await this.town.remove();
		this.away.stop();
		this.gates.remove();
	}

	web(n: number): Sshd {
		const sshd = this.hosts[n - 1];
		if (!sshd) throw new Error('there are three');
		return sshd;
	}

	/** The three hosts are known, and these. */
	know(...lines: string[]): void {
		this.town.know(...this.hosts.map(({ known }) => known), ...lines);
	}

	offer(script: string, over: Partial<SshConfig> = {}, spec: SpecOf = {}): HubRun {
		const config = {
			hosts: this.hosts.map((sshd, i) => target(`web${String(i + 1)}`, sshd)),
			user: 'root',
			key_ref: `file:${this.town.key}`,
			...over,
		};
		return this.hub.offer({ script, execution: { backend: 'ssh', config }, ...spec });
	}

	async ran(script: string, over: Partial<SshConfig> = {}, spec: SpecOf = {}): Promise<HubRun> {
		const run = this.offer(script, over, spec);
		await this.hub.ended(run);
		return run;
	}

	/** What of this agent's runs is still on the hosts. */
	leftBehind(): string[] {
		const tag = createHash('sha256').update(this.agent.home).digest('hex').slice(0, 12);
		const inMemory = readdirSync('/dev/shm').filter((name) => name.startsWith(`uhub-${tag}-`));
		return [...readdirSync(path.join(this.town.dir, 'there')), ...inMemory];
	}
}

export const endsOf = (run: HubRun) => run.records.flatMap((r) => (r.type === 'step_ended' ? [r] : []));
/** By host, its reason, or how it ended. */
export const outcomes = (run: HubRun) =>
	Object.fromEntries(endsOf(run).map((r) => [r.host, r.reason?.code ?? r.status]));
/** What one host said, line by line, without its name. */
export const saidBy = (run: HubRun, host: string, stream?: Stream): string[] =>
	textOf(run, stream)
		.split('\n')
		.flatMap((line) => (line.startsWith(`[${host}] `) ? [line.slice(host.length + 3)] : []));
