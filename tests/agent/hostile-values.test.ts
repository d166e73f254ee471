// What people type reaches a script as it is, whatever carries it there: an engine, a cluster, hosts reached by ssh. (Local runs:
// agent-runs.test.ts; playbooks: ansible.test.ts; terraform: terraform.test.ts.)
import type { V1Container } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Stream } from '#protocol/run-frames.ts';
import { AgentProcess } from '#tests/support/agent-process.ts';
import { Dockerd, noDockerd } from '#tests/support/dockerd.ts';
import { FakeHub, textOf } from '#tests/support/fake-hub.ts';
import { Gates } from '#tests/support/gates.ts';
import { HostileValues } from '#tests/support/hostile-values.ts';
import { InCluster, noCluster } from '#tests/support/in-cluster.ts';
import { noSshd } from '#tests/support/sshd.ts';
import { endsOf, saidBy, SshWorld } from '#tests/support/ssh-world.ts';

const values = new HostileValues();
afterEach(() => {
	expect(values.made).toBe(false);
});

describe.skipIf(noDockerd !== null)(`in containers${noDockerd === null ? '' : ` (${noDockerd})`}`, () => {
	let hub: FakeHub;
	let engine: Dockerd;
	let agent: AgentProcess;

	beforeAll(async () => {
		[hub, engine] = await Promise.all([FakeHub.start(), Dockerd.start()]);
		const docker = `docker: { socket: ${engine.socket}, images: [uhub-test] }\n`;
		agent = await AgentProcess.create(hub, {
			policy: `version: 1\nprojects: all\nbackends: [docker]\ntools: [shell, custom]\nscripts: { uploaded: true }\nenv: [APP_*]\n${docker}`,
		});
	});
	afterAll(async () => {
		await agent.remove();
		await Promise.all([hub.stop(), engine.remove()]);
	});

	it('40: parameters, arguments, variables and names are what they are', async () => {
		const [name = ''] = values.all;
		const steps = [
			hub.scripts.step(values.script, { name }),
			hub.scripts.step(`#!/bin/sh\n${values.script}echo "$APP_MODE"\n`, { name, tool: 'custom' }),
		];
		const config = { image: 'uhub-test:1', env: { APP_MODE: name } };
		const run = hub.offer({ ...values.spec, steps, execution: { backend: 'docker', config } });
		await hub.ended(run);
		expect(run.refused).toBeNull();
		expect(run.finish, textOf(run)).toMatchObject({ outcome: 'success' });
		expect(textOf(run, Stream.stdout).replace(/^(uhub:|── ).*\n/gm, '')).toBe(`${values.told}${values.told}${name}\n`);
		expect(hub.faults).toEqual([]);
	});
});

describe.skipIf(noCluster !== null)(`in a cluster${noCluster === null ? '' : ` (${noCluster})`}`, () => {
	let world: InCluster;
	const gates = new Gates();

	beforeAll(async () => {
		world = await InCluster.start();
	});
	afterAll(async () => {
		gates.remove();
		await world.stop();
	});
	afterEach(() => world.clean());

	/** As Kubernetes reads it: two dollars are one. A single one before a bracket would be put in the place of. */
	const read = (text = ''): string => {
		expect(text.replaceAll('$$', '')).not.toContain('$(');
		return text.replaceAll('$$', '$');
	};

	it('40: parameters, arguments, variables and names are what they are, in the pod and to its scripts', async () => {
		const { hub, cluster } = world;
		const [name = ''] = values.all;
		const steps = [
			hub.scripts.step(values.script, { name }),
			hub.scripts.step(`#!/bin/sh\n${values.script}echo "$APP_MODE"\n${gates.wait('seen')}\n`, {
				name,
				tool: 'custom',
			}),
		];
		const run = world.offered({ ...values.spec, steps }, { env: { APP_MODE: '$(HOME) $$' } });
		await hub.until(
			() => textOf(run).endsWith('$(HOME) $$\n') || run.finish !== null || run.refused !== null,
			'the second',
		);
		expect(run.refused).toBeNull();
		const [pod] = cluster.all('pods');
		const containers: V1Container[] = [...(pod?.spec?.initContainers ?? []), ...(pod?.spec?.containers ?? [])];
		expect(containers).toHaveLength(2);
		for (const { command, args, env, workingDir } of containers) {
			const variables = Object.fromEntries((env ?? []).map((one) => [one.name, read(one.value)]));
			for (const [i, value] of values.all.entries()) expect(variables[`UHUB_PARAM_P${String(i)}`]).toBe(value);
			expect(variables).toMatchObject({ UHUB_PROJECT: name, UHUB_ENVIRONMENT: name, APP_MODE: '$(HOME) $$' });
			expect([...(command ?? []), ...(args ?? [])].map(read).slice(-values.all.length)).toEqual(values.all);
			expect(workingDir).toBe('/uhub/work');
			// What would be looked up by the cluster.
			expect(env?.some(({ valueFrom }) => valueFrom !== undefined)).toBe(false);
		}
		gates.open('seen');
		await hub.ended(run);
		expect(run.finish, textOf(run)).toMatchObject({ outcome: 'success' });
		expect(textOf(run).replace(/^── .*\n/gm, '')).toBe(`${values.told}${values.told}$(HOME) $$\n`);
	});
});

describe.skipIf(noSshd !== null)(`on hosts reached by ssh${noSshd === null ? '' : ` (not here: ${noSshd})`}`, () => {
	let world: SshWorld;

	beforeAll(async () => {
		world = await SshWorld.create({});
	});
	afterAll(() => world.remove());

	it('40: parameters, arguments and names are what they are, on each of them', async () => {
		const run = await world.ran(values.script, {}, values.spec);
		expect(run.refused).toBeNull();
		const ends = endsOf(run).map(({ host, status }) => [host, status]);
		expect(ends, textOf(run)).toHaveLength(3);
		for (const host of ['web1', 'web2', 'web3']) {
			expect(ends).toContainEqual([host, 'success']);
			expect(saidBy(run, host)).toEqual([values.told.trimEnd()]);
		}
		expect(world.hub.faults).toEqual([]);
		expect(world.leftBehind()).toEqual([]);
	});
});
