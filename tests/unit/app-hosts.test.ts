import { describe, expect, it } from 'vitest';
import type { RunStep } from '#domain/run-step.ts';
import { hostLanes, isOf, soughtFor } from '#lib/run/hosts.ts';

const step = (host: string | null, status: RunStep['status'], over: Partial<RunStep> = {}): RunStep => ({
	n: 1,
	name: 'step',
	tool: 'shell',
	host,
	status,
	exit_code: null,
	reason: null,
	started_at: '2026-01-01T10:00:00.000Z',
	finished_at: status === 'running' ? null : '2026-01-01T10:00:02.000Z',
	from: 0,
	to: null,
	from_line: 1,
	to_line: null,
	counts: null,
	...over,
});
const now = Date.parse('2026-01-01T10:00:09.000Z');

describe("a run's hosts", () => {
	const steps = [
		step(null, 'running'),
		step('web1', 'success'),
		step('web2', 'running'),
		step('web1', 'failed', { n: 2, exit_code: 3, finished_at: '2026-01-01T10:00:05.000Z' }),
		step('web3', 'skipped'),
	];

	it('are each what is worst of it, in the order they were come to, with the time from first to last', () => {
		const lanes = hostLanes(steps, now, false);
		expect(lanes.map(({ host, status, ms }) => [host, status, ms])).toEqual([
			['web1', 'failed', 5_000],
			['web2', 'running', 9_000],
			['web3', 'skipped', 2_000],
		]);
		expect(lanes[0]?.told.exit_code).toBe(3);
	});

	it('begin with those that failed once it is over', () => {
		const over = [step('a', 'success'), step('b', 'lost'), step('c', 'success'), step('d', 'failed')];
		expect(hostLanes(over, 0, true).map(({ host }) => host)).toEqual(['d', 'b', 'a', 'c']);
	});

	it('have the lines of their lanes, and of a playbook those that tell of them', () => {
		expect(isOf('[web1] hello', 'web1', 'shell')).toBe(true);
		expect(isOf('[web2] asks [web1] something', 'web1', 'shell')).toBe(false);
		expect(isOf('[web10] hello', 'web1', 'shell')).toBe(false);
		expect(isOf('\x1b[0;32mok: [web1]\x1b[0m', 'web1', 'ansible')).toBe(true);
		expect(isOf('changed: [web1 -> localhost]', 'web1', 'ansible')).toBe(true);
		expect(isOf('ok: [web10]', 'web1', 'ansible')).toBe(false);
		for (const [text, tool] of [
			['[h\u00f4te] x', 'custom'],
			['ok: [h\u00f4te -> y]', 'ansible'],
		] as const)
			expect(text).toContain(soughtFor('h\u00f4te\u202e', tool));
	});
});
