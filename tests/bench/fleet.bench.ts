// A hundred agents online on one hub, and nothing to do: what each costs the hub in memory and the hub's processor in all, heartbeats
// and all; then each is given a run.
import type { HostReport } from '#domain/agent.ts';
import { Api } from '../support/api.ts';
import { startHub } from '../support/hub.ts';
import { enrol, WireAgent } from '../support/wire-agent.ts';
import { privateBytes, processorSeconds, report, round } from './measure.ts';

const AGENTS = 100;
const WATCHED_MS = 60_000;
/** As the agent itself does. */
const HEARTBEAT_MS = 15_000;

const host = (): HostReport => ({
	snapshot_time: new Date().toISOString(),
	cpu_cores: 4,
	cpu_load_1m: 0.5,
	cpu_load_5m: 0.5,
	cpu_load_15m: 0.5,
	ram_total_gib: 16,
	ram_used_gib: 4,
	disk_path: '/',
	disk_total_gib: 100,
	disk_used_gib: 40,
	disk_free_gib: 60,
});

const hub = await startHub({ agent: false });
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const { project_id, job_id } = await admin.jobWith('#!/bin/sh\ntrue\n');
	const { workerd } = hub.pids();
	if (workerd === null) throw new Error('the hub has no runtime');
	const before = privateBytes(workerd);
	const agents: WireAgent[] = [];
	for (let n = 0; n < AGENTS; n++)
		agents.push(
			await WireAgent.connect(hub.url, await enrol(admin, `idle ${String(n)}`, { project_ids: [project_id] }), {
				capacity: 1,
			}),
		);
	const beats = agents.map((agent, n) => {
		const beat = () => {
			agent.send({ type: 'heartbeat', runs: [], host: host() });
		};
		// Spread out, as agents that were started at any time are.
		let timer: NodeJS.Timeout = setTimeout(
			() => {
				beat();
				timer = setInterval(beat, HEARTBEAT_MS);
			},
			(n * HEARTBEAT_MS) / AGENTS,
		);
		return () => {
			clearTimeout(timer);
		};
	});
	await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_MS));
	const from = processorSeconds(workerd);
	await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
	const to = processorSeconds(workerd);
	const grown = privateBytes(workerd) - before;
	for (const stop of beats) stop();

	const began = performance.now();
	await Promise.all(agents.map(() => admin.run(job_id)));
	await Promise.all(
		agents.map(async (agent) => {
			agent.finish(await agent.begin());
		}),
	);
	const took = performance.now() - began;
	const share = (to - from) / (WATCHED_MS / 1000);
	report(
		'a hundred idle agents',
		`${round((share * 100) / AGENTS, 3)} % of one core and ${round(grown / AGENTS / 1024, 0)} KiB each`,
		'≤ 0.2 % of one core each',
		share * 100 <= 0.2 * AGENTS,
	);
	report('a run for each of them, from click to grant', `${round(took, 0)} ms for all`, 'none', true);
} finally {
	await hub.stop();
}
