// Jobs of a cluster, for a real agent; the cluster is a stand-in that carries pods out as processes.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { V1PodSpec } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { K8sSpec } from '#agent/policy/k8s.ts';
import { AgentProcess, command, processesWith } from '#tests/support/agent-process.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import { Kubernetes } from '#tests/support/fake-kubernetes.ts';
import type { SpecOf } from '#tests/support/specs.ts';

const SECRET = 'canary-61d0b7aa "quoted"';
const IMAGE = 'registry.test/tool:1';

// Secrets are handed over in memory, which only Linux has as a file system.
const hasShm = existsSync('/dev/shm');
if (!hasShm && process.env['CI']) throw new Error('there is no /dev/shm');

describe.skipIf(!hasShm)(`Jobs of a cluster${hasShm ? '' : ' (there is no /dev/shm)'}`, () => {
	let hub: FakeHub;
	let agent: AgentProcess;
	let cluster: Kubernetes;

	const policy = (more = '') => `version: 1
projects: all
backends: [k8s]
tools: [shell, custom]
scripts: { uploaded: true }
env: [TOKEN, APP_*]
secrets: { 3: ['env:DEPLOY_*', 'env:KUBE_*'] }
k8s:
  namespaces: [${Kubernetes.namespace}, elsewhere]
  images: ['registry.test/*']
  max: { cpu: 500m, memory: 256Mi }
  start_within_s: 3
${more}`;
	const env = () => ({
		DEPLOY_TOKEN: SECRET,
		KUBE_CONFIG: cluster.kubeconfig(),
		KUBE_BY_CERTIFICATE: cluster.kubeconfig('certificate'),
		KUBE_EXEC: cluster.kubeconfig('token', { user: { exec: { command: 'touch', args: ['/tmp/uhub-pwned'] } } }),
		KUBE_PROVIDER: cluster.kubeconfig('token', { user: { 'auth-provider': { name: 'gcp' } } }),
		KUBE_FILE: cluster.kubeconfig('token', { user: { tokenFile: '/etc/hostname' } }),
		KUBE_INSECURE: cluster.kubeconfig('token', { cluster: { 'insecure-skip-tls-verify': true } }),
		KUBE_PROXY: cluster.kubeconfig('token', { cluster: { 'proxy-url': 'http://127.0.0.1:1' } }),
		KUBE_PLAIN: cluster.kubeconfig('token', { cluster: { server: 'http://127.0.0.1:1' } }),
		KUBE_STRANGER: cluster.kubeconfig('token', { user: { token: 'somebody-else' } }),
		KUBE_UNTRUSTED: cluster.kubeconfig('token', { cluster: { 'certificate-authority-data': '' } }),
	});

	beforeAll(async () => {
		[hub, cluster] = await Promise.all([FakeHub.start(), Kubernetes.start()]);
		hub.protocol = 2;
		agent = await AgentProcess.create(hub, { policy: policy(), env: env() });
	});
	afterAll(async () => {
		await agent.remove();
		await Promise.all([hub.stop(), cluster.stop()]);
	});
	afterEach(async () => {
		expect(hub.faults).toEqual([]);
		await allGone();
	});

	const allGone = () =>
		expect
			.poll(() => [cluster.all('jobs'), cluster.all('pods'), cluster.all('secrets')], { timeout: 20_000 })
			.toEqual([[], [], []]);
	const offered = (over: SpecOf, config: Partial<K8sSpec> = {}): HubRun =>
		hub.offer({
			execution: {
				backend: 'k8s',
				config: {
					cluster: 'c',
					kubeconfig_ref: 'env:KUBE_CONFIG',
					api_server_url: null,
					namespace: Kubernetes.namespace,
					image: IMAGE,
					...config,
				},
			},
			...over,
		});
	async function ran(over: SpecOf, config?: Partial<K8sSpec>): Promise<HubRun> {
		const run = offered(over, config);
		await hub.ended(run);
		return run;
	}
	const reasonOf = (run: HubRun) => run.refused ?? run.finish?.reason;
	const restarted = async () => {
		await agent.end('SIGKILL');
		await agent.start();
	};
	const saying = async (over: SpecOf, config?: Partial<K8sSpec>): Promise<HubRun> => {
		const run = offered({ script: 'echo on; sleep 1000', grace_s: 1, ...over }, config);
		await hub.until(() => textOf(run).startsWith('on\n'), 'the script');
		return run;
	};
	/** A script that says so many lines, some time apart, and then that it did. */
	const counting = (name: string, lines = 30) =>
		`i=0; while [ $i -lt ${String(lines)} ]; do i=$((i + 1)); echo "${name} $i"; sleep 0.02; done; echo ${name} done\n`;
	const counted = (name: string, lines = 30) =>
		Array.from({ length: lines }, (_, i) => `${name} ${String(i + 1)}\n`).join('') + `${name} done\n`;

	describe('a run', () => {
		it('tells of its output and its end, with an environment of its own, and leaves nothing', async () => {
			const run = await ran(
				{
					script: 'echo out; echo err >&2; env; pwd; touch "$HOME/mine" && echo wrote; printf end; exit 3',
					parameters: { VERSION: '2.4', TRAP: '$(UHUB_RUN_ID) $$ $5' },
				},
				{ env: { APP_MODE: 'x y' } },
			);
			expect(run.finish).toMatchObject({ outcome: 'failed', exit_code: 3, reason: { code: 'exit_code' } });
			const said = textOf(run);
			expect(said).toContain('err\n');
			expect(said).toContain('\nAPP_MODE=x y\n');
			expect(said).toContain('\nUHUB_PARAM_TRAP=$(UHUB_RUN_ID) $$ $5\n');
			expect(said).toContain('\nwrote\nend');
			expect(said).not.toContain('KUBE_');
		});

		it('has its steps one after the other in one pod, sharing its files, each told of, until one fails', async () => {
			const steps = [
				hub.scripts.step('echo 1 > shared; echo one', { name: 'first' }),
				hub.scripts.step('#!/bin/sh\ncat shared; exit 4', { name: 'second', tool: 'custom' }),
				hub.scripts.step('echo three', { name: 'third' }),
			];
			const run = await ran({ steps });
			expect(run.finish).toMatchObject({ outcome: 'failed', exit_code: 4 });
			expect(textOf(run)).toBe('── 1/3 first\none\n── 2/3 second\n1\n');
			expect(run.records.map((r) => [r.type, 'n' in r && r.n, r.type === 'step_ended' && r.exit_code])).toEqual([
				['step_started', 1, false],
				['step_ended', 1, 0],
				['step_started', 2, false],
				['step_ended', 2, 4],
			]);
			expect(run.records[0]).toMatchObject({ image: expect.stringMatching(/^registry\.test\/tool:1@sha256:b{64}$/) });
		});

		it('arrives byte for byte, and is let in by a certificate as well', async () => {
			const script = 'head -c 300000 /dev/urandom > x; cat x; printf "\\n"; sha256sum < x';
			const run = await ran({ script }, { kubeconfig_ref: 'env:KUBE_BY_CERTIFICATE' });
			const said = Buffer.concat([...(run.byStream[1] ?? [])]);
			const body = said.subarray(0, 300_000);
			expect(said.subarray(300_001).toString()).toContain(createHash('sha256').update(body).digest('hex'));
		});

		it('says what it is that cannot be started', async () => {
			const run = await ran({ steps: [hub.scripts.step('#!/no/such/program\n', { tool: 'custom' })] });
			expect(reasonOf(run)?.code).toBe('start_failed');
		});

		it('is handed 1 MiB of files at most', async () => {
			const run = await ran({ script: `# ${'x'.repeat(1_048_576)}` });
			expect(reasonOf(run)).toMatchObject({ code: 'start_failed', message: expect.stringContaining('1 MiB') });
			expect(run.started).toBe(false);
		});

		it('that lasts too long is ended', async () => {
			const run = await ran({ script: 'echo on; sleep 1000', timeout_s: 2, grace_s: 0 });
			expect(run.finish).toMatchObject({ outcome: 'failed', reason: { code: 'timeout' } });
		});
	});

	describe('a stop', () => {
		it('ends what is deaf, with all it started', async () => {
			const run = await saying({ script: `trap '' TERM; echo on; while :; do sleep 0.1; done` });
			const mark = `UHUB_RUN_ID=${String(run.run_id)}\0`;
			expect(processesWith(mark).length).toBeGreaterThan(0);
			hub.cancel(run);
			await hub.ended(run);
			expect(run.finish).toMatchObject({ outcome: 'canceled', reason: { code: 'canceled_by_user' } });
			expect(processesWith(mark)).toEqual([]);
			expect(cluster.all('pods')).toEqual([]);
		});

		it('comes as TERM, with the time of its grace; what is said meanwhile is there', async () => {
			const run = await saying({
				script: `trap 'echo cleaned; exit 9' TERM; echo on; while :; do sleep 0.1; done`,
				grace_s: 30,
			});
			hub.cancel(run);
			await hub.ended(run);
			expect(textOf(run)).toBe('on\ncleaned\n');
			expect(run.finish).toMatchObject({ outcome: 'canceled', exit_code: 9 });
		});

		it('ends a pull', async () => {
			let arrived = () => {};
			cluster.held = new Promise((resolve) => (arrived = resolve));
			const run = offered({ grace_s: 0 });
			await expect.poll(() => cluster.all('pods').length, { timeout: 10_000 }).toBe(1);
			hub.cancel(run);
			arrived();
			cluster.held = null;
			await hub.ended(run);
			expect(run.finish?.outcome).toBe('canceled');
		});
	});

	describe('what a cluster has against a run', () => {
		it('is told apart: no right, a taken name, what is invalid, a quota', async () => {
			const elsewhere = await ran({}, { namespace: 'elsewhere' });
			expect(reasonOf(elsewhere)).toMatchObject({
				code: 'cluster_refused',
				message: expect.stringContaining('forbidden'),
			});
			const invalid = await ran({}, { requests: { memory: '128Mi' }, limits: { memory: '64Mi' } });
			expect(reasonOf(invalid)).toMatchObject({ code: 'cluster_refused', message: expect.stringContaining('invalid') });
			cluster.quota = 'exceeded quota: small, requested: pods=1, used: pods=5, limited: pods=5';
			const quota = await ran({});
			cluster.quota = null;
			expect(reasonOf(quota)).toMatchObject({
				code: 'cluster_refused',
				message: expect.stringContaining('exceeded quota'),
			});
			expect(quota.records).toEqual([]);
		});

		it('is told in its own words: no image, no user, no node', async () => {
			const image = await ran({}, { image: 'registry.test/none:1' });
			expect(reasonOf(image)).toMatchObject({ code: 'pull_failed', message: expect.stringContaining('not found') });
			const root = await ran({}, { image: 'registry.test/root:1' });
			expect(reasonOf(root)).toMatchObject({ code: 'pod_failed', message: expect.stringContaining('runAsNonRoot') });
			cluster.unschedulable = '0/3 nodes are available: 3 Insufficient cpu.';
			const nowhere = await ran({});
			cluster.unschedulable = null;
			expect(reasonOf(nowhere)).toMatchObject({
				code: 'pod_failed',
				message: expect.stringContaining('Insufficient cpu'),
			});
		});

		it('is told of its end: memory, eviction, a pod that somebody deleted', async () => {
			const memory = await saying({});
			void cluster.node.kill(0, 'OOMKilled');
			await hub.ended(memory);
			expect(reasonOf(memory)).toMatchObject({ code: 'pod_failed', message: expect.stringContaining('memory') });
			const evicted = await saying({});
			const [pod] = cluster.all('pods');
			if (pod) await cluster.evict(pod);
			await hub.ended(evicted);
			expect(reasonOf(evicted)).toMatchObject({ code: 'pod_failed', message: expect.stringContaining('Evicted') });
			const deleted = await saying({ script: 'echo on; exec sleep 1000' });
			const [other] = cluster.all('pods');
			if (other) cluster.deletePodNow(other);
			await hub.ended(deleted);
			expect(deleted.finish?.outcome).not.toBe('success');
		});

		it('is told where it is not reached: nobody there, nobody it knows, nobody to trust', async () => {
			const stranger = await ran({}, { kubeconfig_ref: 'env:KUBE_STRANGER' });
			expect(reasonOf(stranger)).toMatchObject({
				code: 'cluster_unavailable',
				message: expect.stringContaining('Unauthorized'),
			});
			const untrusted = await ran({}, { kubeconfig_ref: 'env:KUBE_UNTRUSTED' });
			expect(reasonOf(untrusted)).toMatchObject({
				code: 'cluster_unavailable',
				message: expect.stringContaining('certificate'),
			});
			const another = await ran({}, { api_server_url: 'https://cluster.example' });
			expect(reasonOf(another)).toMatchObject({
				code: 'cluster_unavailable',
				message: expect.stringContaining('cluster.example'),
			});
			await cluster.away();
			const away = await ran({});
			await cluster.back();
			expect(reasonOf(away)).toMatchObject({
				code: 'cluster_unavailable',
				message: expect.stringContaining('nobody listens'),
			});
		});
	});

	describe('a connection that breaks', () => {
		for (const how of ['end', 'break'] as const)
			it(`a log that the cluster makes ${how} is gone on with: nothing is lost or doubled`, async () => {
				const run = offered({ script: counting('a', 60) });
				for (const line of ['a 5\n', 'a 30\n']) {
					await hub.until(() => textOf(run).includes(line), line);
					cluster.cutLogs(how);
				}
				await hub.ended(run);
				expect(textOf(run)).toBe(counted('a', 60));
			});

		it('watches expire and the API is away for a while: the run goes on, its log is whole, its end the real one', async () => {
			const run = offered({ script: `${counting('a', 60)}exit 5` });
			await hub.until(() => textOf(run).includes('a 5\n'), 'the script');
			cluster.expireWatches();
			await hub.until(() => textOf(run).includes('a 10\n'), 'more of it');
			await cluster.away();
			await expect.poll(() => cluster.node.logs.get('step-1')?.ended, { timeout: 10_000 }).toBe(true);
			await cluster.back();
			await hub.ended(run);
			expect(textOf(run)).toBe(counted('a', 60));
			expect(run.finish).toMatchObject({ outcome: 'failed', exit_code: 5 });
		});

		it('a cancel waits for the API, and ends what lives', async () => {
			const run = await saying({});
			await cluster.away();
			hub.cancel(run);
			await cluster.back();
			await hub.ended(run);
			expect(run.finish?.outcome).toBe('canceled');
		});
	});

	describe('the agent is killed (-9)', () => {
		it('at any line: each step runs once, and the log is as if nothing had been', async () => {
			const steps = [
				hub.scripts.step(counting('one'), { name: 'first' }),
				hub.scripts.step(counting('two'), { name: 'second' }),
			];
			const run = offered({ steps });
			for (const line of ['one 3\n', 'two 3\n']) {
				await hub.until(() => textOf(run).includes(line), line);
				await restarted();
			}
			await hub.ended(run);
			expect(textOf(run)).toBe(`── 1/2 first\n${counted('one')}── 2/2 second\n${counted('two')}`);
			expect(run.finish).toMatchObject({ outcome: 'success', exit_code: 0 });
			expect(run.records.map((r) => `${r.type} ${String('n' in r && r.n)}`)).toEqual([
				'step_started 1',
				'step_ended 1',
				'step_started 2',
				'step_ended 2',
			]);
		});

		it('while nobody listens: what ended meanwhile has its real outcome, and a secret stays masked', async () => {
			const script = `s=$(cat "$TOKEN"); echo on; printf %.8s "$s"; sleep 1; echo "$s" | cut -c 9-; exit 7`;
			const run = offered({ script, secrets: { TOKEN: 'env:DEPLOY_TOKEN' } });
			await hub.until(() => textOf(run) === 'on\n', 'the script');
			await agent.end('SIGKILL');
			await expect.poll(() => cluster.node.logs.get('step-1')?.ended, { timeout: 10_000 }).toBe(true);
			await agent.start();
			await hub.ended(run);
			expect(textOf(run)).toBe('on\n***\n');
			expect(run.finish).toMatchObject({ outcome: 'failed', exit_code: 7 });
		});

		it('just when it has told of the end: what is left is removed when it is back', async () => {
			hub.watch = (direction, type) => {
				if (direction !== 'to_hub' || type !== 'finish') return 'pass';
				process.kill(agent.pid, 'SIGKILL');
				hub.watch = () => 'pass';
				return 'cut_after';
			};
			const run = await ran({ script: 'echo on' });
			expect(run.finish?.outcome).toBe('success');
			await restarted();
			await allGone();
		});

		it('before a cancel: it is stopped when the agent is back', async () => {
			const run = await saying({});
			await agent.end('SIGKILL');
			run.cancel = true;
			await agent.start();
			await hub.ended(run);
			expect(run.finish?.outcome).toBe('canceled');
		});

		it('and its pod vanished, or the beginning of its log: the run is lost', async () => {
			const vanished = await saying({ script: 'echo on; exec sleep 1000' });
			await agent.end('SIGKILL');
			const [pod] = cluster.all('pods');
			if (pod) cluster.deletePodNow(pod);
			await expect.poll(() => cluster.all('pods')).toEqual([]);
			await agent.start();
			await hub.ended(vanished);
			expect(vanished.finish?.outcome).not.toBe('success');
			const rotated = await saying({ script: 'echo on; sleep 1; echo later; sleep 1000' });
			await agent.end('SIGKILL');
			cluster.node.logs.get('step-1')?.rotate();
			await expect
				.poll(() => cluster.node.logs.get('step-1')?.from(0, 0).toString(), { timeout: 10_000 })
				.toContain('later');
			await agent.start();
			await hub.ended(rotated);
			expect(rotated.finish).toMatchObject({
				outcome: 'lost',
				reason: { message: expect.stringContaining('beginning') },
			});
			expect(textOf(rotated)).toBe('on\n');
		});
	});

	describe('44: a dangerous pod', () => {
		/** What was made, or tried. */
		const asked = () => cluster.asked.filter((one) => one.startsWith('create')).length;

		it('44: no option that leads out of it is even understood, and what is understood stays within the policy', async () => {
			const before = asked();
			const options: object[] = [
				...[
					{ privileged: true },
					{ hostNetwork: true },
					{ hostPID: true },
					{ hostIPC: true },
					{ service_account: 'admin' },
				],
				...[{ serviceAccountName: 'admin' }, { volumes: [{ hostPath: { path: '/' } }] }, { automount: true }],
				...[
					{ securityContext: { privileged: true } },
					{ node_name: 'master' },
					{ annotations: {} },
					{ command: ['/bin/sh'] },
				],
				...[
					{ namespace: 'kube-system/../runs' },
					{ namespace: '../runs' },
					{ image: '--privileged' },
					{ limits: { cpu: '-1' } },
				],
				...[
					{ kubeconfig: cluster.kubeconfig() },
					{ kubeconfig_ref: '/root/.kube/config' },
					{ limits: { 'nvidia.com/gpu': '1' } },
				],
			];
			const base = {
				cluster: 'c',
				kubeconfig_ref: 'env:KUBE_CONFIG',
				api_server_url: null,
				namespace: 'runs',
				image: IMAGE,
			};
			for (const option of options) {
				const spec = hub.scripts.spec({ script: 'echo out' });
				const run = hub.offerRaw({ ...spec, execution: { backend: 'k8s', config: { ...base, ...option } } });
				await hub.ended(run);
				expect(run.refused?.code, JSON.stringify(option)).toBe('bad_request');
			}
			for (const [config, rule] of [
				[{ namespace: 'kube-system' }, 'k8s.namespaces'],
				[{ image: 'evil/tool:1' }, 'k8s.images'],
				[{ writable_root: true }, 'k8s.writable_root'],
				[{ limits: { cpu: '1' } }, 'k8s.max.cpu'],
				[{ requests: { memory: '1Gi' } }, 'k8s.max.memory'],
				[{ env: { LD_PRELOAD: '/x' } }, 'env'],
				[{ kubeconfig_ref: 'file:/root/.kube/config' }, 'secrets'],
			] as [Partial<K8sSpec>, string][]) {
				const run = await ran({}, config);
				expect(run.refused?.code, rule).toBe('refused_by_policy');
				expect(run.refused?.message).toContain(rule);
			}
			expect(asked()).toBe(before);
		});

		it('44: a kubeconfig that runs a program, reads a file, trusts anybody or goes elsewhere is not taken', async () => {
			const before = asked();
			for (const [ref, why] of [
				['env:KUBE_EXEC', 'exec'],
				['env:KUBE_PROVIDER', 'auth-provider'],
				['env:KUBE_FILE', 'tokenFile'],
				['env:KUBE_INSECURE', 'insecure_skip_tls_verify'],
				['env:KUBE_PROXY', 'proxy-url'],
				['env:KUBE_PLAIN', 'https'],
			] as const) {
				const run = await ran({}, { kubeconfig_ref: ref });
				expect(reasonOf(run), ref).toMatchObject({
					code: 'cluster_unavailable',
					message: expect.stringContaining(why),
				});
				expect(run.started).toBe(false);
			}
			expect(existsSync('/tmp/uhub-pwned')).toBe(false);
			expect(asked()).toBe(before);
			expect(JSON.stringify(hub.messages) + agent.output).not.toContain('token-canary');
		});

		it('44: a pod is closed on all sides', async () => {
			const run = await saying({});
			const spec = cluster.all('pods')[0]?.spec as V1PodSpec;
			const [job] = cluster.all('jobs');
			expect(job?.spec).toMatchObject({
				backoffLimit: 0,
				parallelism: 1,
				completions: 1,
				activeDeadlineSeconds: 60,
				podReplacementPolicy: 'Failed',
			});
			expect(spec).toMatchObject({
				restartPolicy: 'Never',
				automountServiceAccountToken: false,
				hostNetwork: false,
				hostPID: false,
				hostIPC: false,
				securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
			});
			expect(spec.serviceAccountName).toBeUndefined();
			expect(spec.volumes?.map((volume) => Object.keys(volume).find((key) => key !== 'name'))).toEqual([
				'emptyDir',
				'emptyDir',
				'secret',
			]);
			expect(spec.containers[0]).toMatchObject({
				resources: { limits: { cpu: '500m', memory: '256Mi' } },
				securityContext: {
					privileged: false,
					allowPrivilegeEscalation: false,
					capabilities: { drop: ['ALL'] },
					readOnlyRootFilesystem: true,
				},
			});
			hub.cancel(run);
			await hub.ended(run);
		});
	});

	describe('46: a secret', () => {
		it('46: is a file that cannot be written to, in no argument, variable or manifest; is masked, and gone with the run', async () => {
			const script = 'stat -L -c %a "$TOKEN"; cat "$TOKEN"; echo; base64 < "$TOKEN"; echo ready; exec sleep 1000';
			const run = offered({ script, secrets: { TOKEN: 'env:DEPLOY_TOKEN' }, grace_s: 0 });
			await hub.until(() => textOf(run).includes('ready\n'), 'the script');
			expect(textOf(run)).toBe('444\n***\n***\nready\n');
			const manifests = JSON.stringify([cluster.all('jobs'), cluster.all('pods')]);
			expect(manifests).not.toContain('canary');
			expect(manifests).not.toContain(Buffer.from(SECRET).toString('base64'));
			const marked = processesWith(`UHUB_RUN_ID=${String(run.run_id)}\0`);
			expect(marked.length).toBeGreaterThan(0);
			expect(processesWith('canary-61d0b7aa').filter((pid) => marked.includes(pid))).toEqual([]);
			const found = execFileSync('sh', [
				'-c',
				`grep -rlE 'canary-61d0b7aa|token-canary' "$1" || true`,
				'sh',
				agent.home,
			]);
			expect(found.toString()).toBe('');
			hub.cancel(run);
			await hub.ended(run);
			await allGone();
		});
	});

	it('policy check and the doctor say what is allowed', async () => {
		const [said, doctor] = await Promise.all([
			command(['policy', 'check', '--home', agent.home]),
			command(['doctor', '--home', agent.home]),
		]);
		expect(said.stdout).toContain(`namespaces ${Kubernetes.namespace}, elsewhere; images registry.test/*`);
		expect(doctor.stdout).toMatch(/OK {4}clusters: /);
	});
});
