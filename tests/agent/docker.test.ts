// Containers of a real engine, for a real agent.
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DockerConfig } from '#domain/backend-config.ts';
import { Stream } from '#protocol/run-frames.ts';
import { AgentProcess, command, processesWith } from '#tests/support/agent-process.ts';
import { Dockerd, noDockerd } from '#tests/support/dockerd.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import { Registry } from '#tests/support/registry.ts';
import type { SpecOf } from '#tests/support/specs.ts';

const PASSWORD = 'registry-canary-55ab01';

describe.skipIf(noDockerd !== null)(`containers${noDockerd === null ? '' : ` (${noDockerd})`}`, () => {
	let hub: FakeHub;
	let agent: AgentProcess;
	let engine: Dockerd;
	let registry: Registry;

	const policy = (more = '', digest = false) => `version: 1
projects: all
backends: [docker]
tools: [shell, custom]
scripts: { uploaded: true }
env: [APP_*]
docker:
  socket: ${engine.socket}
  images: [uhub-test, other, '${registry.host}/team/*', '127.0.0.1:1/team/*']
  max: { memory_mib: 256, pids: 100, cpus: 2 }
  digest_required: ${String(digest)}
  registries: { '${registry.host}': { username: robot, password_ref: 'env:REGISTRY_PASSWORD' } }
${more}`;

	beforeAll(async () => {
		[hub, engine, registry] = await Promise.all([FakeHub.start(), Dockerd.start(), Registry.start()]);
		hub.protocol = 2;
		agent = await AgentProcess.create(hub, {
			policy: policy(),
			env: { REGISTRY_PASSWORD: PASSWORD },
		});
	});
	afterAll(async () => {
		await agent.remove();
		await Promise.all([hub.stop(), registry.stop(), engine.remove()]);
	});
	afterEach(() => {
		expect(hub.faults).toEqual([]);
	});

	const inContainer = (over: SpecOf, config: Partial<DockerConfig> = {}): SpecOf => ({
		execution: { backend: 'docker', config: { image: 'uhub-test:1', ...config } },
		...over,
	});
	const offered = (over: SpecOf, config?: Partial<DockerConfig>): HubRun => hub.offer(inContainer(over, config));
	async function ran(over: SpecOf, config?: Partial<DockerConfig>): Promise<HubRun> {
		const run = offered(over, config);
		await hub.ended(run);
		return run;
	}
	/** What a script said, without the agent's own first lines. */
	const saidIn = (run: HubRun): string => textOf(run, Stream.stdout).replace(/^uhub: .*\n/gm, '');
	const reasonOf = (run: HubRun) => run.refused ?? run.finish?.reason;
	const whoRuns = async () => (await engine.containers()).filter(({ State }) => State === 'running');
	/** Waits until the engine has nothing of the agent's any more. */
	const allGone = () => expect.poll(async () => [await engine.containers(), await engine.volumes()]).toEqual([[], []]);

	describe('a run', () => {
		it('tells of both streams and its end, with an environment of its own, and leaves nothing', async () => {
			const run = await ran(
				{ script: 'echo out; echo err >&2; env; pwd; printf end; exit 3', parameters: { VERSION: '2.4' } },
				{ env: { APP_MODE: 'x y' } },
			);
			expect(run.finish).toMatchObject({ outcome: 'failed', exit_code: 3, reason: { code: 'exit_code' } });
			expect(textOf(run, Stream.stderr)).toBe('err\n');
			const said = saidIn(run);
			expect(said.startsWith('out\n')).toBe(true);
			expect(said.endsWith('\n/uhub/work\nend')).toBe(true);
			expect(said).toContain('\nAPP_MODE=x y\n');
			expect(said).toContain('\nUHUB_PARAM_VERSION=2.4\n');
			expect(said).toContain('\nHOME=/uhub/work\n');
			expect(said).not.toContain('node_modules');
			expect(textOf(run)).toMatch(/^uhub: image docker\.io\/library\/uhub-test:1 \(sha256:[0-9a-f]{64}\)\n/);
			await allGone();
		});

		it('has its steps in containers of their own that share its files, each told of', async () => {
			const steps = [
				hub.scripts.step('echo 1 > shared; hostname > first; echo one', { name: 'first' }),
				hub.scripts.step('#!/bin/sh\ncat shared; [ "$(hostname)" = "$(cat first)" ] || echo another; exit 4', {
					name: 'second',
					tool: 'custom',
				}),
				hub.scripts.step('echo three', { name: 'third' }),
			];
			const run = await ran({ steps });
			expect(run.finish).toMatchObject({ outcome: 'failed', exit_code: 4 });
			expect(saidIn(run)).toBe('── 1/3 first\none\n── 2/3 second\n1\nanother\n');
			expect(run.records.map((r) => [r.type, 'n' in r && r.n, r.type === 'step_ended' && r.exit_code])).toEqual([
				['step_started', 1, false],
				['step_ended', 1, 0],
				['step_started', 2, false],
				['step_ended', 2, 4],
			]);
		});

		it("is the image's user, the job's, or root without a single capability; and its files are that user's", async () => {
			const script =
				'id -u; stat -c "%u %a" "$HOME"; grep -E "CapEff|NoNewPrivs" /proc/self/status; touch "$HOME/mine" && echo wrote';
			const said = (uid: number) =>
				`${String(uid)}\n${String(uid)} 700\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nwrote\n`;
			const [root, named, numbered, unknown] = await Promise.all([
				ran({ script }),
				ran({ script }, { user: 'app' }),
				ran({ script }, { user: '1234:1234' }),
				ran({ script }, { user: 'nobody_here' }),
			]);
			expect(saidIn(root)).toBe(said(0));
			expect(saidIn(named)).toBe(said(1000));
			expect(saidIn(numbered)).toBe(said(1234));
			expect(reasonOf(unknown)).toMatchObject({ code: 'start_failed', message: 'the image has no user nobody_here' });
		});

		it('writes to its directory and to /tmp, and nowhere else unless the policy lets it', async () => {
			const script =
				'for f in /x /bin/x /etc/x /uhub/x "$HOME/x" /tmp/x; do (echo > $f) 2>/dev/null && echo $f; done; true';
			const [plain, asked] = await Promise.all([
				ran({ script }, { user: 'app' }),
				ran({ script }, { writable_root: true }),
			]);
			expect(saidIn(plain)).toBe('/uhub/work/x\n/tmp/x\n');
			expect(reasonOf(asked)).toMatchObject({ code: 'refused_by_policy' });
		});

		it('has no network', async () => {
			const port = new URL(hub.url).port;
			const run = await ran({
				script: `ls /sys/class/net; nc -w 1 127.0.0.1 ${port} </dev/null && echo reached; wget -T 1 -q -O - http://1.1.1.1 && echo out; true`,
			});
			expect(saidIn(run)).toBe('lo\n');
			expect(reasonOf(await ran({}, { network: 'bridge' }))?.message).toContain('docker.networks');
		});

		it('that takes more memory than it may is killed, and says so', async () => {
			const run = await ran({ script: 'echo on; exec tail /dev/zero' }, { memory_mib: 32 });
			expect(reasonOf(run)).toMatchObject({ code: 'signal' });
			expect(reasonOf(run)?.message).toContain('memory');
		});

		it('that was killed, its engine does not know why, says so too', async () => {
			const run = await ran({ script: 'echo on; kill -KILL $$' });
			expect(run.finish).toMatchObject({ outcome: 'failed', exit_code: 137 });
			expect(reasonOf(run)).toEqual({
				code: 'signal',
				message: 'It ended as what is killed does: most often for taking more memory than it may.',
			});
		});

		it('has no more processes than it may', async () => {
			const run = await ran(
				{ script: 'for i in 1 2 3 4 5 6 7 8 9; do sleep 20 & done; echo all of them' },
				{ pids: 6 },
			);
			expect(textOf(run)).toMatch(/fork|Resource/);
			expect(saidIn(run)).not.toContain('all of them');
		});

		it('that lasts too long is stopped', async () => {
			const run = await ran({ script: 'echo on; sleep 1000', timeout_s: 15, grace_s: 0 });
			expect(run.finish).toMatchObject({ outcome: 'failed', reason: { code: 'timeout' } });
			// Its time begins before it does: enough of it for a busy machine to come to its first line.
			expect(saidIn(run)).toBe('on\n');
		});

		it('says what it is that cannot be started', async () => {
			const run = await ran({ script: '#!/no/such/program\n' });
			expect(run.finish?.outcome).toBe('failed');
			expect(textOf(run)).toContain('/uhub/work/.uhub-step-1 failed: No such file');
		});

		it('arrives byte for byte: binary, and a line of 50 MB', async () => {
			const binary = await ran({ script: 'head -c 300000 /dev/urandom > x; cat x; sha256sum x >&2' });
			const bytes = Buffer.concat(binary.byStream[Stream.stdout] ?? []);
			const body = bytes.subarray(bytes.indexOf(0x0a) + 1);
			expect(textOf(binary, Stream.stderr)).toContain(createHash('sha256').update(body).digest('hex'));
			const long = await ran({ script: 'head -c 52428800 /dev/zero | tr "\\0" z; echo; echo after' });
			expect(long.finish?.outcome).toBe('success');
			expect(saidIn(long).length).toBe(52_428_800 + 1 + 'after\n'.length);
		});
	});

	describe('a stop', () => {
		const deaf = `trap '' INT TERM; (trap '' INT TERM; while :; do sleep 0.1; done) & echo on; while :; do sleep 0.1; done`;

		it('ends what is deaf to everything, with all it started, and leaves nothing', async () => {
			const run = offered({ script: deaf, grace_s: 0 });
			await hub.until(() => saidIn(run) === 'on\n', 'the script');
			const mark = `UHUB_RUN_ID=${String(run.run_id)}\0`;
			await expect.poll(() => processesWith(mark).length).toBeGreaterThan(1);
			hub.cancel(run);
			await hub.ended(run);
			expect(run.finish).toMatchObject({ outcome: 'canceled', reason: { code: 'canceled_by_user' } });
			expect(processesWith(mark)).toEqual([]);
			hub.cancel(run);
			await allGone();
		});

		it('comes as INT first, to the script and to what it waits for', async () => {
			const run = offered({ script: `trap 'echo cleaned; exit 9' INT; echo on; sleep 1000`, grace_s: 30 });
			await hub.until(() => saidIn(run) === 'on\n', 'the script');
			hub.cancel(run);
			await hub.ended(run);
			expect(saidIn(run)).toBe('on\ncleaned\n');
			expect(run.finish).toMatchObject({ outcome: 'canceled', exit_code: 9 });
		});

		it('before the next step keeps that from starting', async () => {
			const steps = [hub.scripts.step('echo on; sleep 1000'), hub.scripts.step('echo two')];
			const run = offered({ steps, grace_s: 0 });
			await hub.until(() => saidIn(run).includes('on\n'), 'the script');
			hub.cancel(run);
			await hub.ended(run);
			expect(saidIn(run)).not.toContain('two');
			expect(run.records.at(-1)).toMatchObject({ type: 'step_ended', n: 1, status: 'canceled' });
			await allGone();
		});

		it('ends a pull as well', async () => {
			registry.push('team/held', '1');
			let release = () => {};
			registry.held = new Promise((resolve) => (release = resolve));
			const run = offered({}, { image: `${registry.host}/team/held:1` });
			await hub.until(() => textOf(run).includes('pulling'), 'the pull');
			await expect.poll(() => registry.asked.some((one) => one.includes('/team/held/blobs/'))).toBe(true);
			hub.cancel(run);
			await hub.ended(run);
			registry.held = null;
			release();
			expect(run.finish?.outcome).toBe('canceled');
			expect(run.started).toBe(false);
			await allGone();
		});
	});

	describe('images', () => {
		it('are pulled where they are missing, with the login that the policy names, and their digest is told', async () => {
			registry.login = { username: 'robot', password: PASSWORD };
			const digest = registry.push('team/tool', '1.2', { User: 'app' });
			const image = `${registry.host}/team/tool:1.2`;
			const run = await ran({ script: 'id -un' }, { image });
			expect(run.finish).toMatchObject({ outcome: 'success' });
			expect(textOf(run)).toBe(`uhub: pulling ${image}\nuhub: image ${image}@${digest}\napp\n`);
			expect(run.records[0]).toMatchObject({ type: 'step_started', image: `${image}@${digest}` });
			const asked = registry.asked.length;
			const again = await ran({ script: 'id -un' }, { image: `${registry.host}/team/tool@${digest}` });
			expect(again.finish?.outcome).toBe('success');
			expect(registry.asked.length).toBe(asked);
			registry.login = null;
		});

		it('that are not to be had say why: no such tag, no such login, no such registry', async () => {
			const missing = await ran({}, { image: `${registry.host}/team/tool:none` });
			expect(reasonOf(missing)).toMatchObject({ code: 'pull_failed' });
			expect(reasonOf(missing)?.message).toContain('is not in its registry');
			registry.login = { username: 'somebody', password: 'else' };
			const denied = await ran({}, { image: `${registry.host}/team/secret:1` });
			registry.login = null;
			expect(reasonOf(denied)).toMatchObject({ code: 'pull_failed' });
			expect(reasonOf(denied)?.message).toContain('is not given to this agent');
			const away = await ran({}, { image: '127.0.0.1:1/team/tool:1' });
			expect(reasonOf(away)).toMatchObject({ code: 'pull_failed' });
			expect(reasonOf(away)?.message).toContain('no way to its registry');
			const said = JSON.stringify(hub.messages) + agent.output;
			expect(said).not.toContain(PASSWORD);
			expect(said).not.toContain(Buffer.from(`robot:${PASSWORD}`).toString('base64'));
		});
	});

	describe('43: a dangerous container', () => {
		it('43: no option that leads out of it is even understood', async () => {
			const config = { image: 'uhub-test:1' };
			const before = (await engine.containers()).length;
			const options: object[] = [
				{ privileged: true },
				{ binds: ['/:/host'] },
				{ volumes: { '/host': {} } },
				{ mounts: [{ type: 'bind', source: '/', target: '/host' }] },
				{ devices: ['/dev/kmsg'] },
				{ cap_add: ['SYS_ADMIN'] },
				{ pid: 'host' },
				{ ipc: 'host' },
				{ userns: 'host' },
				{ network: 'host' },
				{ network: 'container:other' },
				{ security_opt: ['seccomp=unconfined'] },
				{ socket: '/var/run/docker.sock' },
				{ HostConfig: { Privileged: true } },
				{ runtime: 'runc' },
				{ entrypoint: ['/bin/sh'] },
				{ user: '0; id' },
				{ image: '-v=/:/host' },
				{ image: 'uhub-test:1 --privileged' },
				{ memory_mib: -1 },
				{ pids: 0 },
				{ cpus: 'all' },
				{ restart: 'always' },
				{ sysctls: { 'kernel.shm_rmid_forced': '1' } },
				{ group_add: ['docker'] },
				{ cgroup_parent: '/' },
				{ oom_kill_disable: true },
			];
			for (const option of options) {
				const spec = hub.scripts.spec({ script: 'echo out' });
				const run = hub.offerRaw({ ...spec, execution: { backend: 'docker', config: { ...config, ...option } } });
				await hub.ended(run);
				expect(run.refused?.code, JSON.stringify(option)).toBe('bad_request');
			}
			expect((await engine.containers()).length).toBe(before);
		});

		it('43: what is understood stays within the policy', async () => {
			for (const [config, rule] of [
				[{ network: 'bridge' }, 'docker.networks'],
				[{ writable_root: true }, 'docker.writable_root'],
				[{ memory_mib: 257 }, 'docker.max.memory_mib'],
				[{ pids: 101 }, 'docker.max.pids'],
				[{ cpus: 2.5 }, 'docker.max.cpus'],
				[{ env: { LD_PRELOAD: '/x' } }, 'env'],
				[{ env: { PATH: '/x' } }, 'PATH'],
				[{ image: 'evil/uhub-test:1' }, 'docker.images'],
			] as [Partial<DockerConfig>, string][]) {
				const run = await ran({}, config);
				expect(run.refused?.code, rule).toBe('refused_by_policy');
				expect(run.refused?.message).toContain(rule);
			}
			expect(await engine.containers()).toEqual([]);
		});

		it('43: a container is closed on all sides, whatever its image says', async () => {
			const run = offered({ script: 'echo on; sleep 1000', grace_s: 0 });
			await hub.until(() => saidIn(run) === 'on\n', 'the script');
			const [container] = await whoRuns();
			const { HostConfig: host, Config: own } = (await engine.inspect(container?.Id ?? '')) as unknown as {
				HostConfig: Record<string, unknown>;
				Config: Record<string, unknown>;
			};
			expect(host).toMatchObject({
				Privileged: false,
				CapDrop: ['ALL'],
				CapAdd: null,
				SecurityOpt: ['no-new-privileges'],
				NetworkMode: 'none',
				ReadonlyRootfs: true,
				PidMode: '',
				IpcMode: 'private',
				UTSMode: '',
				Devices: null,
				Binds: null,
				PidsLimit: 100,
				Memory: 256 * 1_048_576,
				MemorySwap: 256 * 1_048_576,
				NanoCpus: 2e9,
				Init: true,
				AutoRemove: false,
				RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
			});
			expect((host['Mounts'] as { Type: string }[]).map(({ Type }) => Type)).toEqual(['volume']);
			expect(own['Labels']).toMatchObject({ 'uhub.run': expect.stringMatching(/^[0-9a-f]{12}-\d+-1$/) });
			hub.cancel(run);
			await hub.ended(run);
		});
	});

	describe('as the policy has it', () => {
		const restarted = async (text: string) => {
			await agent.end('SIGTERM');
			agent.policy(text);
			await agent.start();
		};

		it('images are not pulled, or only those whose digest is named', async () => {
			await restarted(policy('', true).replace('max:', 'pull: never\n  max:'));
			expect(reasonOf(await ran({}))?.message).toContain('docker.digest_required');
			const missing = await ran({}, { image: `other@sha256:${'a'.repeat(64)}` });
			expect(reasonOf(missing)).toMatchObject({ code: 'image_missing' });
			expect(reasonOf(missing)?.message).toContain('docker.pull');
		});

		it('an engine that is not there is told of by the run and by the doctor; and policy check says what is allowed', async () => {
			await restarted(policy().replace(engine.socket, '/nowhere/docker.sock'));
			const run = await ran({});
			expect(reasonOf(run)).toMatchObject({ code: 'engine_unavailable' });
			expect(reasonOf(run)?.message).toContain('/nowhere/docker.sock: there is no such socket');
			expect(hub.hellos.at(-1)?.abilities.tools).not.toHaveProperty('docker');
			const [doctor, said] = await Promise.all([
				command(['doctor', '--home', agent.home]),
				command(['policy', 'check', '--home', agent.home]),
			]);
			expect(doctor.stdout).toMatch(/FAIL {2}no containers: \/nowhere/);
			expect(said.stdout).toContain(`images uhub-test, other, ${registry.host}/team/*`);
		});

		it('an engine that is there is told to the hub, and the doctor', async () => {
			await restarted(policy());
			expect(hub.hellos.at(-1)?.abilities).toMatchObject({
				backends: ['docker'],
				tools: { docker: expect.stringMatching(/^\d+\.\d+/) },
			});
			expect((await command(['doctor', '--home', agent.home])).stdout).toMatch(/OK {4}docker \S+ answers at/);
		});
	});
});
