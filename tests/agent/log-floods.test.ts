// A run that floods its log, which the hub does not take, beside another of the same executor. (Of local runs: agent-runs.test.ts.)
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from '#tests/support/agent-process.ts';
import { Dockerd, noDockerd } from '#tests/support/dockerd.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import { arrived, floodOf, MIB, mostMemory, spooled } from '#tests/support/floods.ts';
import { InCluster, noCluster } from '#tests/support/in-cluster.ts';
import type { SpecOf } from '#tests/support/specs.ts';
import { noSshd } from '#tests/support/sshd.ts';
import { SshWorld, target } from '#tests/support/ssh-world.ts';

/** With all of the flood in it, an agent that has 100 MiB when it starts would have more than it may. */
const FLOOD_MIB = 160;
const MEMORY_MIB = 260;
const SPOOL_MIB = 32;
const SPOOL = `spool: { max_mib: ${String(SPOOL_MIB)}, when_full: block }\n`;
/** What the other says: more than fits by chance beside the flood. */
const LINES = 20_000;
const REST = 'x'.repeat(100);
const MINUTE = 60_000;
/** How long a flood takes is the machine's affair. */
const PATIENCE = { timeout: 6 * MINUTE };

interface World {
	hub: FakeHub;
	agent: AgentProcess;
	offer: (of: SpecOf, host: string) => HubRun;
}

/** Nothing decides by its speed: the flood cannot end before the hub takes what it says. */
async function holdsUpNobody({ hub, agent, offer }: World, host = ''): Promise<void> {
	const flood = offer({ script: floodOf(FLOOD_MIB), timeout_s: 600 }, 'web1');
	hub.unanswered.add(flood);
	await expect.poll(() => spooled(agent.home), { timeout: MINUTE }).toBeGreaterThan(SPOOL_MIB * (7 / 8) - 2);
	const beside = offer({ script: `seq 1 ${String(LINES)} | sed 's/$/ ${REST}/'` }, 'web2');
	await hub.ended(beside, MINUTE);
	expect(beside.finish, JSON.stringify(beside.finish)).toMatchObject({ outcome: 'success' });
	const counted = textOf(beside)
		.replace(/^uhub: .*\n/, '')
		.replaceAll('[web2] ', '');
	expect(counted === Array.from({ length: LINES }, (_, i) => `${String(i + 1)} ${REST}\n`).join('')).toBe(true);
	expect(beside.dropped).toBe(0);
	expect(flood.finish).toBeNull();
	expect(flood.bytes).toBeLessThanOrEqual(MIB);

	hub.ackAll();
	await hub.ended(flood, 3 * MINUTE);
	expect(flood.finish?.reason).toBeNull();
	const { had, said } = arrived(flood, host);
	expect(had).toBe(said);
	expect(said).toContain(`${String(FLOOD_MIB * MIB)} `);
	expect(flood.dropped).toBe(0);
	expect(mostMemory(agent.pid)).toBeLessThan(MEMORY_MIB);
	expect(hub.faults).toEqual([]);
}

describe.skipIf(noDockerd !== null)(`a flood in a container${noDockerd === null ? '' : ` (${noDockerd})`}`, () => {
	let hub: FakeHub;
	let engine: Dockerd;
	let agent: AgentProcess;

	beforeAll(async () => {
		[hub, engine] = await Promise.all([FakeHub.start(), Dockerd.start()]);
		const docker = `docker: { socket: ${engine.socket}, images: [uhub-test] }\n`;
		agent = await AgentProcess.create(hub, {
			policy: `version: 1\nprojects: all\nbackends: [docker]\ntools: [shell]\nscripts: { uploaded: true }\n${docker}${SPOOL}`,
		});
	});
	afterAll(async () => {
		await agent.remove();
		await Promise.all([hub.stop(), engine.remove()]);
	});

	it('48: arrives whole, and neither holds up another nor fills the memory of the agent', PATIENCE, async () => {
		const execution = { backend: 'docker' as const, config: { image: 'uhub-test:1' } };
		await holdsUpNobody({ hub, agent, offer: (of) => hub.offer({ ...of, execution }) });
	});
});

describe.skipIf(noSshd !== null)(`a flood on a host${noSshd === null ? '' : ` (not here: ${noSshd})`}`, () => {
	let world: SshWorld;

	beforeAll(async () => {
		world = await SshWorld.create({}, `backends: [ssh]\ntools: [shell]\n${SPOOL}`);
	});
	afterAll(() => world.remove());

	it('48: arrives whole, and neither holds up another nor fills the memory of the agent', PATIENCE, async () => {
		const { hub, agent } = world;
		const offer = ({ script = '', ...spec }: SpecOf, host: string) =>
			world.offer(script, { hosts: [target(host, world.web(Number(host.slice(3))))] }, spec);
		await holdsUpNobody({ hub, agent, offer }, 'web1');
	});
});

describe.skipIf(noCluster !== null)(`a flood in a cluster${noCluster === null ? '' : ` (${noCluster})`}`, () => {
	let world: InCluster;

	beforeAll(async () => {
		world = await InCluster.start(undefined, SPOOL);
	});
	afterAll(() => world.stop());

	it('48: arrives whole, and neither holds up another nor fills the memory of the agent', PATIENCE, async () => {
		const { hub, agent } = world;
		await holdsUpNobody({ hub, agent, offer: (of) => world.offered(of) });
		await world.clean();
	});
});
