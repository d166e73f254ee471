// Jobs of a cluster, for a real agent; the cluster is a stand-in that carries pods out as processes.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { V1PodSpec } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { K8sSpec } from '#agent/policy/k8s.ts';
import { type AgentProcess, command, processesWith } from '#tests/support/agent-process.ts';
import { filesWith, seenOf } from '#tests/support/canary.ts';
import { type FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import { Kubernetes } from '#tests/support/fake-kubernetes.ts';
import { CANARY, FILE, IMAGE, InCluster, INPUT, noCluster, SECRET } from '#tests/support/in-cluster.ts';
import type { SpecOf } from '#tests/support/specs.ts';

describe.skipIf(noCluster !== null)(`Jobs of a cluster${noCluster === null ? '' : ` (${noCluster})`}`, () => {
	let world: InCluster;
	let hub: FakeHub;
	let agent: AgentProcess;
	let cluster: Kubernetes;

	beforeAll(async () => {
		world = await InCluster.start((k) => ({
			KUBE_BY_CERTIFICATE: k.kubeconfig('certificate'),
			KUBE_EXEC: k.kubeconfig('token', { user: { exec: { command: 'touch', args: ['/tmp/uhub-pwned'] } } }),
			KUBE_PROVIDER: k.kubeconfig('token', { user: { 'auth-provider': { name: 'gcp' } } }),
			KUBE_FILE: k.kubeconfig('token', { user: { tokenFile: '/etc/hostname' } }),
			KUBE_INSECURE: k.kubeconfig('token', { cluster: { 'insecure-skip-tls-verify': true } }),
			KUBE_PROXY: k.kubeconfig('token', { cluster: { 'proxy-url': 'http://127.0.0.1:1' } }),
			KUBE_PLAIN: k.kubeconfig('token', { cluster: { server: 'http://127.0.0.1:1' } }),
			KUBE_STRANGER: k.kubeconfig('token', { user: { token: 'somebody-else' } }),
			KUBE_UNTRUSTED: k.kubeconfig('token', { cluster: { 'certificate-authority-data': '' } }),
		}));
		({ hub, agent, cluster } = world);
	});
	afterAll(() => world.stop());
	afterEach(() => world.clean());

	const offered: InCluster['offered'] = (...of) => world.offered(...of);
	const ran: InCluster['ran'] = (...of) => world.ran(...of);
	const saying: InCluster['saying'] = (...of) => world.saying(...of);
	const reasonOf = (run: HubRun) => run.refused ?? run.finish?.reason;

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
			await expect.poll(() => cluster.all('pods').length).toBe(1);
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
			cluster.role.delete('list pods');
			const blind = await ran({});
			cluster.role.add('list pods');
			expect(reasonOf(blind)).toMatchObject({
				code: 'cluster_refused',
				message: expect.stringContaining('pods is forbidden'),
			});
			expect(blind.started).toBe(false);
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
			await hub.until(() => textOf(run).includes('ready\n') && seenOf(run.run_id).args.includes('sleep'), 'the script');
			expect(textOf(run)).toBe('444\n***\n***\nready\n');
			const manifests = JSON.stringify([cluster.all('jobs'), cluster.all('pods')]);
			expect(manifests).not.toContain(CANARY);
			expect(manifests).not.toContain(Buffer.from(SECRET).toString('base64'));
			const { args, variables } = seenOf(run.run_id);
			expect(args.join(' ')).toContain('sleep');
			expect([...args, ...variables].join(' ')).not.toContain(CANARY);
			for (const text of [CANARY, 'token-canary']) expect(filesWith(text, agent.home)).toEqual([]);
			hub.cancel(run);
			await hub.ended(run);
			await world.clean();
		});

		const deliver = (variable = 'DB_PASSWORD'): SpecOf => ({
			secret_parameters: { A: 'env:DEPLOY_TOKEN', B: 'env:DEPLOY_INPUT', C: 'env:DEPLOY_FILE' },
			parameters_schema: [
				{ name: 'A', type: 'secret', required: true, deliver: { as: 'env', variable } },
				{ name: 'B', type: 'secret', required: true, deliver: { as: 'stdin' } },
				{ name: 'C', type: 'secret', required: true },
			],
		});

		it('46: is a variable, the standard input or a file, as its parameter says, in each container, and masked', async () => {
			const script =
				'echo "${#DB_PASSWORD} [$UHUB_PARAM_A_FILE$UHUB_PARAM_B_FILE] $1"; tee "$HOME/in" | wc -c; wc -c < "$UHUB_PARAM_C_FILE"; echo "$DB_PASSWORD"; cat "$HOME/in" "$UHUB_PARAM_C_FILE"; echo; base64 < "$HOME/in"';
			const steps = [hub.scripts.step(script, { name: 'first' }), hub.scripts.step(script, { name: 'second' })];
			const run = await ran({ steps, arguments: ['an "argument" $(UHUB_RUN_ID) $$'], ...deliver() });
			const each = `${String(SECRET.length)} [] an "argument" $(UHUB_RUN_ID) $$\n${String(INPUT.length)}\n${String(FILE.length)}\n***\n******\n***\n`;
			expect(textOf(run)).toBe(`── 1/2 first\n${each}── 2/2 second\n${each}`);
			expect(run.finish?.outcome).toBe('success');
			expect(JSON.stringify(hub.messages)).not.toContain(CANARY);
			await world.clean();
			expect(filesWith(CANARY, agent.home, '/dev/shm')).toEqual([]);
		});

		it('46: in a variable or on standard input, it is in one Secret, in the environment it was asked for, and nowhere else', async () => {
			const run = offered({ script: 'cat > /dev/null; echo ready; sleep 1000', grace_s: 0, ...deliver() });
			await hub.until(() => textOf(run) === 'ready\n' && seenOf(run.run_id).args.includes('sleep'), 'the script');
			const base64 = (text: string) => Buffer.from(text).toString('base64');
			const kept = (kind: 'jobs' | 'pods') =>
				JSON.stringify(kind === 'jobs' ? cluster.all('jobs') : cluster.all('pods'));
			const [secret, ...others] = cluster.all('secrets');
			expect(others).toEqual([]);
			for (const value of [SECRET, INPUT, FILE]) expect(Object.values(secret?.data ?? {})).toContain(base64(value));
			for (const kind of ['jobs', 'pods'] as const)
				for (const text of [CANARY, base64(CANARY).slice(0, -4)]) expect(kept(kind), kind).not.toContain(text);
			const { args, variables } = seenOf(run.run_id);
			expect(args.join(' ')).toContain('sleep');
			expect(args.join(' ')).not.toContain(CANARY);
			expect([...new Set(variables.filter((one) => one.includes(CANARY)))]).toEqual([`DB_PASSWORD=${SECRET}`]);
			expect(filesWith(CANARY, agent.home)).toEqual([]);
			expect(agent.output + cluster.asked.join('\n')).not.toContain(CANARY);
			hub.cancel(run);
			await hub.ended(run);
			await world.clean();
			expect(filesWith(CANARY, agent.home, '/dev/shm')).toEqual([]);
		});

		it('46: in a variable that the policy does not name for secrets makes nothing', async () => {
			const before = cluster.asked.length;
			const run = await ran(deliver('TOKEN'));
			expect(run.refused).toMatchObject({ code: 'refused_by_policy', message: expect.stringContaining('secret_env') });
			// That what the run before it made is gone, it may still be asking.
			expect(cluster.asked.slice(before).filter((one) => /^(create|patch) /.test(one))).toEqual([]);
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
