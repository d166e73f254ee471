import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Cgroup, type Limits, LimitsUnavailable } from '#agent/cgroup.ts';

// What is written into a control group, in a directory that looks like one: few machines let a test make a real one.

let base: string;
beforeEach(() => {
	base = mkdtempSync(path.join(os.tmpdir(), 'uhub-cgroup-'));
});
afterEach(() => {
	rmSync(base, { recursive: true });
});

/** A group of a host that gives these controllers. */
function group(...controllers: string[]): Cgroup {
	const made = Cgroup.make(base, 'x');
	if (!made) throw new Error('no group was made');
	for (const controller of controllers) writeFileSync(path.join(made.dir, `${controller}.max`), 'max');
	return made;
}
const read = ({ dir }: Cgroup, controller: string) => readFileSync(path.join(dir, `${controller}.max`), 'utf8');

it('is held to its limits once the agent has left it, and the agent itself to none', async () => {
	const it = group('cpu', 'memory', 'pids');
	it.hold({ cpus: 1.5, memory_mib: 64, pids: 32 });
	it.enter();
	expect(['cpu', 'memory', 'pids'].map((controller) => read(it, controller))).toEqual(['max', 'max', 'max']);
	it.left();
	await it.limited;
	expect(['cpu', 'memory', 'pids'].map((controller) => read(it, controller))).toEqual([
		'150000 100000',
		'67108864',
		'32',
	]);
});

it('knows whether something of it was ended for its memory', () => {
	const it = group('memory');
	expect(it.outOfMemory()).toBe(false);
	for (const [events, was] of [
		['low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\noom_group_kill 0\n', false],
		['low 0\nhigh 0\nmax 40\noom 1\noom_kill 1\noom_group_kill 0\n', true],
	] as const) {
		writeFileSync(path.join(it.dir, 'memory.events'), events);
		expect(it.outOfMemory(), events).toBe(was);
	}
});

it('is asked for what the host does not give, and says what that is', () => {
	for (const [limits, missing] of [
		[{ cpus: 0.5 }, 'cpu'],
		[{ cpus: 0.5, memory_mib: 64 }, 'cpu and memory'],
	] as [Limits, string][]) {
		const it = group('pids');
		expect(() => {
			it.hold(limits);
		}).toThrow(
			new LimitsUnavailable(
				`its limits need the control group controller ${missing}, which this host does not give the agent`,
			),
		);
		rmSync(it.dir, { recursive: true });
	}
});
