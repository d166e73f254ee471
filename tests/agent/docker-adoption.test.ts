// The agent is killed while its containers run. They go on; so does the agent when it is back, and nobody can tell from the log.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from '#tests/support/agent-process.ts';
import { filesWith } from '#tests/support/canary.ts';
import { Dockerd, noDockerd } from '#tests/support/dockerd.ts';
import { EarlyLog } from '#tests/support/early-log.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import { type SpecOf, sha256 } from '#tests/support/specs.ts';
import { Stream } from '#protocol/run-frames.ts';

const LINES = 15;
const SECRET = 'canary-0c91fe77';

describe.skipIf(noDockerd !== null)(`adoption${noDockerd === null ? '' : ` (${noDockerd})`}`, () => {
	let hub: FakeHub;
	let agent: AgentProcess;
	let engine: Dockerd;

	const policy = (backends = '[docker]', { socket }: { socket: string } = engine) => `version: 1
projects: all
backends: ${backends}
tools: [shell]
scripts: { uploaded: true }
env: [TOKEN]
secret_env: [DB_PASSWORD]
secrets: { 3: ['env:DEPLOY_*'] }
docker: { socket: ${socket}, images: [uhub-test] }
`;

	beforeAll(async () => {
		[hub, engine] = await Promise.all([FakeHub.start(), Dockerd.start()]);
		hub.protocol = 4;
		agent = await AgentProcess.create(hub, { policy: policy(), env: { DEPLOY_TOKEN: SECRET } });
	});
	afterAll(async () => {
		await agent.remove();
		await Promise.all([hub.stop(), engine.remove()]);
	});
	afterEach(() => {
		hub.watch = () => 'pass';
		expect(hub.faults).toEqual([]);
	});

	const offered = (over: SpecOf): HubRun =>
		hub.offer({ execution: { backend: 'docker', config: { image: 'uhub-test:1' } }, ...over });
	const saidIn = (run: HubRun): string => textOf(run).replace(/^uhub: .*\n/, '');
	const restarted = async () => {
		await agent.end('SIGKILL');
		await agent.start();
	};
	const allGone = () => expect.poll(async () => [await engine.containers(), await engine.volumes()]).toEqual([[], []]);

	/** Each start of a step leaves a line beside it in the volume; the script says how many there are. */
	const counting = (name: string) => `echo on >> ../${name}
i=0
while [ $i -lt ${String(LINES)} ]; do i=$((i + 1)); echo "${name} $i"; sleep 0.02; done
echo "started $(wc -l < ../${name})"
`;
	const lines = (name: string) =>
		Array.from({ length: LINES }, (_, i) => `${name} ${String(i + 1)}\n`).join('') + 'started 1\n';

	describe('the agent is killed (-9)', () => {
		// Not between the journal's word that a step may start and its start: that one is lost, for nobody knows.
		const moments: [string, 'to_hub' | 'to_agent', string, string][] = [
			['the first lines', 'to_hub', 'chunk', 'one 1\n'],
			['an acknowledgement', 'to_agent', 'ack', 'one 8\n'],
			['the next step', 'to_hub', 'chunk', 'two 1\n'],
			['the end', 'to_hub', 'finish', 'two'],
		];
		for (const [what, direction, type, said] of moments)
			it(`at ${what}: each step runs once, and the log is as if nothing had been`, async () => {
				let killed = false;
				hub.watch = (d, t) => {
					if (killed || d !== direction || t !== type || !saidIn(run).includes(said)) return 'pass';
					killed = true;
					process.kill(agent.pid, 'SIGKILL');
					return 'cut';
				};
				const run = offered({
					steps: [
						hub.scripts.step(counting('one'), { name: 'first' }),
						hub.scripts.step(counting('two'), { name: 'second' }),
					],
				});
				await expect.poll(() => killed).toBe(true);
				await restarted();
				await hub.ended(run);
				expect(saidIn(run)).toBe(`── 1/2 first\n${lines('one')}── 2/2 second\n${lines('two')}`);
				expect(run.finish).toMatchObject({ outcome: 'success', exit_code: 0 });
				expect(run.records.map((r) => `${r.type} ${String('n' in r && r.n)}`)).toEqual([
					'step_started 1',
					'step_ended 1',
					'step_started 2',
					'step_ended 2',
				]);
				await allGone();
			});

		it('again and again, while much is said: nothing is lost or doubled, on neither stream', async () => {
			const run = offered({
				script: `head -c 6000000 /dev/urandom > x; cat x & tr '\\0-\\377' 'a-za-za-za-za-za-za-za-za-za-z' < x >&2 & wait; sha256sum x > ../sum; printf open; cat ../sum >&2`,
			});
			for (const at of [200_000, 3_000_000, 8_000_000]) {
				await hub.until(() => run.bytes > at || run.finish !== null, 'the log');
				await restarted();
			}
			await hub.ended(run);
			expect(run.finish?.outcome).toBe('success');
			const out = Buffer.concat(run.byStream[Stream.stdout] ?? []);
			const body = out.subarray(out.indexOf(0x0a) + 1, out.length - 'open'.length);
			expect(textOf(run, Stream.stderr)).toContain(sha256(body));
			expect(out.subarray(-4).toString()).toBe('open');
		});

		it('while nobody listens: what ended meanwhile has its real outcome', async () => {
			const run = offered({ script: 'echo on; sleep 0.5; echo off; exit 7' });
			await hub.until(() => saidIn(run) === 'on\n', 'the script');
			await agent.end('SIGKILL');
			await expect.poll(async () => (await engine.containers())[0]?.State).toBe('exited');
			await agent.start();
			await hub.ended(run);
			expect(run.finish).toMatchObject({ outcome: 'failed', exit_code: 7, reason: { code: 'exit_code' } });
			expect(saidIn(run)).toBe('on\noff\n');
		});

		it('before a cancel: it is stopped when the agent is back', async () => {
			const run = offered({ script: 'echo on; sleep 1000', grace_s: 0 });
			await hub.until(() => saidIn(run) === 'on\n', 'the script');
			await agent.end('SIGKILL');
			run.cancel = true;
			await agent.start();
			await hub.ended(run);
			expect(run.finish?.outcome).toBe('canceled');
			await allGone();
		});

		it('and its time runs on meanwhile', async () => {
			const run = offered({ script: 'echo on; sleep 1000', timeout_s: 4, grace_s: 0 });
			// Its time begins before it does, and may be over by then.
			await hub.until(() => saidIn(run) === 'on\n' || run.finish !== null, 'the script');
			await restarted();
			await hub.ended(run);
			expect(run.finish?.reason?.code).toBe('timeout');
		});
	});

	describe('46: the secrets of a run that is gone on with', () => {
		const script = `s=$(cat "$TOKEN"); echo on; printf %.8s "$s"; while [ ! -e /uhub/go ]; do sleep 0.05; done; echo "$s" | cut -c 9-; echo "$s"`;
		const secretsOf = (run: HubRun): string => {
			const journal = readFileSync(path.join(agent.home, 'journal'), 'utf8');
			const entry = journal
				.split('\n')
				.find((line) => line.includes(`"type":"started","run_id":${String(run.run_id)},`));
			return (JSON.parse(entry ?? '') as { handle: { outlives: { secrets: string } } }).handle.outlives.secrets;
		};

		it('46: are those it was given: nothing is looked up again, and all of the log is masked', async () => {
			const run = offered({ script, secrets: { TOKEN: 'env:DEPLOY_TOKEN' } });
			await hub.until(() => saidIn(run) === 'on\n', 'the script');
			await agent.end('SIGKILL');
			const [container] = await engine.containers();
			await engine.exec(container?.Id ?? '', 'touch', '/uhub/go');
			const dir = secretsOf(run);
			expect(existsSync(dir)).toBe(true);
			agent.env({ DEPLOY_TOKEN: 'something else' });
			await agent.start();
			await hub.ended(run);
			expect(saidIn(run)).toBe('on\n***\n***\n');
			expect(existsSync(dir)).toBe(false);
			agent.env({ DEPLOY_TOKEN: SECRET });
			await restarted();
		});

		it('46: reach a step that starts only then as its parameters say, and are in no file of the agent meanwhile', async () => {
			const wait = 'while [ ! -e /uhub/go ]; do sleep 0.05; done';
			const handed = 'echo "${#DB_PASSWORD} $(wc -c)"; echo "$DB_PASSWORD"';
			const run = offered({
				steps: [hub.scripts.step(`echo on; ${wait}`, { name: 'first' }), hub.scripts.step(handed, { name: 'second' })],
				secret_parameters: { A: 'env:DEPLOY_TOKEN', B: 'env:DEPLOY_TOKEN' },
				parameters_schema: [
					{ name: 'A', type: 'secret', required: true, deliver: { as: 'env', variable: 'DB_PASSWORD' } },
					{ name: 'B', type: 'secret', required: true, deliver: { as: 'stdin' } },
				],
			});
			await hub.until(() => saidIn(run).endsWith('on\n'), 'the script');
			await agent.end('SIGKILL');
			expect(filesWith(SECRET, agent.home, engine.dir)).toEqual([]);
			const [container] = await engine.containers();
			await engine.exec(container?.Id ?? '', 'touch', '/uhub/go');
			const dir = secretsOf(run);
			await agent.start();
			await hub.ended(run);
			const length = String(SECRET.length);
			expect(saidIn(run)).toBe(`── 1/2 first\non\n── 2/2 second\n${length} ${length}\n***\n`);
			expect(existsSync(dir)).toBe(false);
			await allGone();
			expect(filesWith(SECRET, agent.home, engine.dir, '/dev/shm')).toEqual([]);
		});

		it('46: that are gone make it lost, and end it', async () => {
			const run = offered({ script: 'echo on; sleep 1000', secrets: { TOKEN: 'env:DEPLOY_TOKEN' } });
			await hub.until(() => saidIn(run) === 'on\n', 'the script');
			await agent.end('SIGKILL');
			rmSync(secretsOf(run), { recursive: true });
			await agent.start();
			await hub.ended(run);
			expect(run.finish).toMatchObject({ outcome: 'lost', reason: { code: 'agent_lost' } });
			expect(saidIn(run)).toBe('on\n');
			await allGone();
		});
	});

	describe('what cannot be gone on with', () => {
		it('a container that somebody removed: the run is lost', async () => {
			const run = offered({ script: 'echo on; sleep 1000' });
			await hub.until(() => saidIn(run) === 'on\n', 'the script');
			await agent.end('SIGKILL');
			const [container] = await engine.containers();
			await engine.ask('DELETE', `/containers/${container?.Id ?? ''}?force=1`);
			await agent.start();
			await hub.ended(run);
			expect(run.finish).toMatchObject({ outcome: 'lost', reason: { code: 'agent_lost' } });
			expect(run.finish?.reason?.message).toContain('gone');
			await allGone();
		});

		it('a backend that is no longer allowed: it says that nothing was ended, and ends it when it may', async () => {
			const run = offered({ script: 'echo on; sleep 1000' });
			await hub.until(() => saidIn(run) === 'on\n', 'the script');
			await agent.end('SIGKILL');
			agent.policy(policy('[]').replace(/^docker:.*\n/m, ''));
			await agent.start();
			await hub.ended(run);
			expect(run.finish?.reason?.message).toContain('nothing was ended');
			expect(await engine.containers()).toHaveLength(1);
			agent.policy(policy());
			await agent.end('SIGTERM');
			await agent.start();
			await allGone();
		});
	});

	it('an engine that follows a log only so far, as Podman does: it is whole all the same', async () => {
		const early = await EarlyLog.before(engine);
		const wait = 'until [ -e ../go ]; do sleep 0.02; done';
		const run = offered({ script: `${counting('one')}${wait}\n${counting('two')}` });
		await hub.until(() => saidIn(run).includes('one 5\n'), 'the script');
		await agent.end('SIGKILL');
		agent.policy(policy(undefined, early));
		await agent.start();
		await expect.poll(() => early.followed).toBeGreaterThan(3);
		// It asks again and again, and leaves nothing open.
		expect(early.waiting).toBeLessThanOrEqual(1);
		const [container] = await engine.containers();
		await engine.exec(container?.Id ?? '', 'touch', '/uhub/go');
		await hub.ended(run);
		expect(run.finish).toMatchObject({ outcome: 'success' });
		expect(saidIn(run)).toBe(lines('one') + lines('two'));
		early.close();
		agent.policy(policy());
		await restarted();
	});

	describe('the engine is killed (-9), and its containers live on', () => {
		it('a run goes on when it is back, and its log is whole', async () => {
			// What nobody reads goes with the container: it has to be there still when the engine is back.
			const script = `${counting('one')}until [ -e /tmp/on ]; do sleep 0.02; done\n${counting('two')}`;
			const run = offered({ script });
			await hub.until(() => saidIn(run).includes('one 5\n'), 'the script');
			await engine.end('SIGKILL');
			await engine.start();
			const [container] = await engine.containers();
			await engine.exec(container?.Id ?? '', 'touch', '/tmp/on');
			await hub.ended(run);
			expect(run.finish).toMatchObject({ outcome: 'success' });
			expect(saidIn(run)).toBe(lines('one') + lines('two'));
		});

		it('a cancel waits for it, and ends what lives', async () => {
			const run = offered({ script: 'echo on; sleep 1000', grace_s: 0 });
			await hub.until(() => saidIn(run) === 'on\n', 'the script');
			await engine.end('SIGKILL');
			hub.cancel(run);
			await agent.end('SIGKILL');
			await agent.start();
			await engine.start();
			await hub.ended(run);
			expect(run.finish?.outcome).toBe('canceled');
			await allGone();
		});
	});
});
