// What the agent itself holds over many short runs: memory, files, open descriptors, control groups.
//
//   node tests/bench/short-runs.bench.ts 10000    that many; 2,000 without a number
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Api } from '../support/api.ts';
import { startHub } from '../support/hub.ts';
import { realAgent } from '../support/real-agent.ts';
import { report, round } from './measure.ts';

const RUNS = Number(process.argv[2] ?? 2_000);
const SLOTS = 8;
const TENTH = RUNS / 10;
const MIB = 1024 * 1024;
/** What a heartbeat may write beside: its status, and the draft of it. */
const FILES = 2;
/** How long what belongs to the last runs may take to go. */
const PATIENCE_MS = 30_000;

const memory = (pid: number): number =>
	Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]) / 1024;

/** What the agent has, of which none may grow with the number of its runs. */
function held(home: string, pid: number) {
	const files = readdirSync(home, { recursive: true, encoding: 'utf8' });
	const groups = readFileSync('/proc/mounts', 'utf8')
		.split('\n')
		.find((line) => line.includes(' cgroup2 '))
		?.split(' ')[1];
	const own = groups === undefined ? [] : readdirSync(groups).filter((name) => name.includes(`-${String(pid)}-`));
	return {
		files: files.length,
		journal: statSync(path.join(home, 'journal')).size / MIB,
		descriptors: readdirSync(`/proc/${String(pid)}/fd`).length,
		groups: own.length,
	};
}

const hub = await startHub({ agent: false });
try {
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const agent = await realAgent(admin, { capacity: SLOTS });
	const { job_id } = await admin.jobWith('#!/bin/sh\necho done\n');
	// The first brings its script along, which stays.
	await admin.ended(await admin.run(job_id));
	const before = held(agent.home, agent.pid);
	const tenths: number[] = [];
	const bad: unknown[] = [];
	let asked = 0;
	let ended = 0;
	const began = performance.now();
	await Promise.all(
		Array.from({ length: SLOTS }, async () => {
			while (asked < RUNS) {
				asked++;
				const { status } = await admin.ended(await admin.run(job_id));
				if (status !== 'success') bad.push(status);
				if (++ended % TENTH === 0) tenths.push(memory(agent.pid));
			}
		}),
	);
	const seconds = (performance.now() - began) / 1000;
	// What was the last runs' goes a moment after the hub has them.
	const until = Date.now() + PATIENCE_MS;
	let after = held(agent.home, agent.pid);
	while (after.files > before.files + FILES && Date.now() < until) {
		await new Promise((resolve) => setTimeout(resolve, 100));
		after = held(agent.home, agent.pid);
	}
	const [first = NaN] = tenths;
	const last = tenths.at(-1) ?? NaN;
	report(
		`${RUNS.toLocaleString('en')} short runs: the agent's memory after the last tenth, beside that after the first`,
		`${round(last / first)}× (${tenths.map((mib) => round(mib, 0)).join(', ')} MiB), at ${round(RUNS / seconds, 0)} runs a second`,
		'≤ 1.5×',
		last / first <= 1.5 && tenths.length === 10 && bad.length === 0,
	);
	report(
		'what they leave: files, descriptors, control groups; the journal',
		`${String(after.files)} (${String(before.files)} before), ${String(after.descriptors)} (${String(before.descriptors)}), ${String(after.groups)} (${String(before.groups)}); ${round(after.journal)} MiB`,
		'2 more files, 8 more descriptors and groups at most; ≤ 2 MiB',
		after.files <= before.files + FILES &&
			after.descriptors <= before.descriptors + 8 &&
			after.groups <= before.groups + 8 &&
			after.journal <= 2,
	);
	await agent.remove();
} finally {
	await hub.stop();
}
