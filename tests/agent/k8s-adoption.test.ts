// What breaks between an agent and its cluster: the run goes on, and nobody can tell from its log.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '#tests/support/agent-process.ts';
import { type FakeHub, textOf } from '#tests/support/fake-hub.ts';
import { Gates } from '#tests/support/gates.ts';
import type { Kubernetes } from '#tests/support/fake-kubernetes.ts';
import { counted, counting, InCluster, noCluster } from '#tests/support/in-cluster.ts';

describe.skipIf(noCluster !== null)(`a cluster that breaks${noCluster === null ? '' : ` (${noCluster})`}`, () => {
	let world: InCluster;
	let hub: FakeHub;
	let agent: AgentProcess;
	let cluster: Kubernetes;

	beforeAll(async () => {
		world = await InCluster.start();
		({ hub, agent, cluster } = world);
	});
	afterAll(() => world.stop());
	afterEach(() => world.clean());

	const offered: InCluster['offered'] = (...of) => world.offered(...of);
	const ran: InCluster['ran'] = (...of) => world.ran(...of);
	const saying: InCluster['saying'] = (...of) => world.saying(...of);
	const restarted = async () => {
		await agent.end('SIGKILL');
		await agent.start();
	};

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
			await expect.poll(() => cluster.node.logs.get('step-1')?.ended).toBe(true);
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
			const gates = new Gates();
			const script = `s=$(cat "$TOKEN"); echo on; printf %.8s "$s"; ${gates.wait('dead')}; echo "$s" | cut -c 9-; exit 7`;
			const run = offered({ script, secrets: { TOKEN: 'env:DEPLOY_TOKEN' } });
			await hub.until(() => textOf(run) === 'on\n', 'the script');
			await agent.end('SIGKILL');
			gates.open('dead');
			await expect.poll(() => cluster.node.logs.get('step-1')?.ended).toBe(true);
			await agent.start();
			await hub.ended(run);
			expect(textOf(run)).toBe('on\n***\n');
			gates.remove();
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
			await world.clean();
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
			const gates = new Gates();
			const rotated = await saying({ script: `echo on; ${gates.wait('dead')}; echo later; sleep 1000` });
			await agent.end('SIGKILL');
			gates.open('dead');
			cluster.node.logs.get('step-1')?.rotate();
			await expect.poll(() => cluster.node.logs.get('step-1')?.from(0, 0).toString()).toContain('later');
			await agent.start();
			await hub.ended(rotated);
			expect(rotated.finish).toMatchObject({
				outcome: 'lost',
				reason: { message: expect.stringContaining('beginning') },
			});
			expect(textOf(rotated)).toBe('on\n');
			gates.remove();
		});
	});
});
