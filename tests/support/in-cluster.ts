// A real agent that carries runs out as Jobs of a stand-in of a cluster.
import { existsSync } from 'node:fs';
import { expect } from 'vitest';
import type { K8sSpec } from '#agent/policy/k8s.ts';
import { AgentProcess } from './agent-process.ts';
import { FakeHub, type HubRun, textOf } from './fake-hub.ts';
import { Kubernetes } from './fake-kubernetes.ts';
import type { SpecOf } from './specs.ts';

export const CANARY = 'canary-61d0b7aa';
export const SECRET = `${CANARY} "quoted"`;
export const INPUT = `${CANARY} on standard input`;
export const FILE = `${CANARY} in a file`;
export const IMAGE = 'registry.test/tool:1';

/** Why there can be none here; null: there can. Secrets are handed over in memory, which only Linux has as a file system. */
export const noCluster: string | null = existsSync('/dev/shm') ? null : 'there is no /dev/shm';
if (noCluster !== null && process.env['CI']) throw new Error(noCluster);

const POLICY = `version: 1
projects: all
backends: [k8s]
tools: [shell, custom]
scripts: { uploaded: true }
env: [TOKEN, APP_*]
secret_env: [DB_PASSWORD]
secrets: { 3: ['env:DEPLOY_*', 'env:KUBE_*'] }
k8s:
  namespaces: [${Kubernetes.namespace}, elsewhere]
  images: ['registry.test/*']
  max: { cpu: 500m, memory: 256Mi }
  start_within_s: 3
`;

export class InCluster {
	readonly hub: FakeHub;
	readonly cluster: Kubernetes;
	readonly agent: AgentProcess;

	private constructor(hub: FakeHub, cluster: Kubernetes, agent: AgentProcess) {
		this.hub = hub;
		this.cluster = cluster;
		this.agent = agent;
	}

	/** `env`: what the agent has in its environment beside the kubeconfig; `policy`: what its policy says beside this one. */
	static async start(
		env: (cluster: Kubernetes) => Record<string, string> = () => ({}),
		policy = '',
	): Promise<InCluster> {
		const [hub, cluster] = await Promise.all([FakeHub.start(), Kubernetes.start()]);
		hub.protocol = 2;
		const secrets = { DEPLOY_TOKEN: SECRET, DEPLOY_INPUT: INPUT, DEPLOY_FILE: FILE };
		const own = { ...secrets, KUBE_CONFIG: cluster.kubeconfig(), ...env(cluster) };
		return new InCluster(hub, cluster, await AgentProcess.create(hub, { policy: POLICY + policy, env: own }));
	}

	async stop(): Promise<void> {
		await this.agent.remove();
		await Promise.all([this.hub.stop(), this.cluster.stop()]);
	}

	/** The agent did nothing wrong, and nothing is left in the cluster. */
	async clean(): Promise<void> {
		expect(this.hub.faults).toEqual([]);
		const { cluster } = this;
		await expect.poll(() => [cluster.all('jobs'), cluster.all('pods'), cluster.all('secrets')]).toEqual([[], [], []]);
	}

	offered(over: SpecOf, config: Partial<K8sSpec> = {}): HubRun {
		const base = { cluster: 'c', kubeconfig_ref: 'env:KUBE_CONFIG', api_server_url: null, image: IMAGE };
		return this.hub.offer({
			execution: { backend: 'k8s', config: { ...base, namespace: Kubernetes.namespace, ...config } },
			...over,
		});
	}

	async ran(over: SpecOf, config?: Partial<K8sSpec>): Promise<HubRun> {
		const run = this.offered(over, config);
		await this.hub.ended(run);
		return run;
	}

	/** One that has said its first line, "on". */
	async saying(over: SpecOf, config?: Partial<K8sSpec>): Promise<HubRun> {
		const run = this.offered({ script: 'echo on; sleep 1000', grace_s: 1, ...over }, config);
		await this.hub.until(() => textOf(run).startsWith('on\n'), 'the script');
		return run;
	}
}

/** A script that says so many lines, some time apart, and then that it did. */
export const counting = (name: string, lines = 30) =>
	`i=0; while [ $i -lt ${String(lines)} ]; do i=$((i + 1)); echo "${name} $i"; sleep 0.02; done; echo ${name} done\n`;
export const counted = (name: string, lines = 30) =>
	Array.from({ length: lines }, (_, i) => `${name} ${String(i + 1)}\n`).join('') + `${name} done\n`;
