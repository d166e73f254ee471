import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Agent } from '#domain/agent.ts';
import type { HostPoint } from '#domain/host.ts';
import { Labels } from '#domain/labels.ts';
import { enrolCommand } from '#lib/fleet/command.ts';
import { columnsOf, some, summaryOf } from '#lib/fleet/history.ts';
import { sharesOf, toneOf } from '#lib/fleet/host.ts';
import { labelsOf, labelsText } from '#lib/fleet/labels.ts';
import { chosenAgent, nextStep, type Progress } from '#lib/setup/steps.ts';

const token = `uhe_${'a'.repeat(43)}`;

describe('the enrolment command', () => {
	it('fetches the agent, enrols, then starts', () => {
		expect(enrolCommand({ hub: 'https://hub.example.org/fleet', token, allowLocal: false })).toBe(
			`curl -fsSO https://hub.example.org/downloads/uhub-agent.mjs && printf %s ${token} | node uhub-agent.mjs enroll --hub https://hub.example.org --token - && node uhub-agent.mjs start`,
		);
	});

	it.each([
		['http://127.0.0.1:8787', false],
		['http://[::1]:8787', false],
		['http://localhost', false],
		['https://10.0.0.1', false],
		['http://10.0.0.1:8787', true],
		['http://127.0.0.1.evil.example', true],
		['http://localhost.evil.example', true],
	])('%s asks for --insecure: %s', (hub, insecure) => {
		expect(enrolCommand({ hub, token, allowLocal: false }).includes('--insecure')).toBe(insecure);
	});

	it('lets uploaded scripts run only where that was chosen', () => {
		expect(enrolCommand({ hub: 'https://h', token, allowLocal: true })).toContain(' --allow-local ');
		expect(enrolCommand({ hub: 'https://h', token, allowLocal: false })).not.toContain('--allow-local');
	});
});

describe('labels as people type them', () => {
	const labels = fc
		.dictionary(fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._/-]{0,8}$/), fc.stringMatching(/^[\w./-]{0,8}$/), {
			maxKeys: 20,
		})
		.filter((made) => Labels.safeParse(made).success);

	it('reads what it wrote', () => {
		fc.assert(
			fc.property(labels, (made) => {
				expect(labelsOf(labelsText(made))).toEqual({ labels: { ...made }, wrong: null });
			}),
		);
	});

	it('gives labels of the schema or names a word, whatever is typed', () => {
		fc.assert(
			fc.property(fc.string(), (text) => {
				const read = labelsOf(text);
				if (read.wrong === null) expect(Labels.safeParse(read.labels).success).toBe(true);
				else expect(text).toContain(read.wrong);
			}),
		);
	});

	it('names the word that is wrong', () => {
		expect(labelsOf('zone=eu nope')).toEqual({ labels: null, wrong: 'nope' });
		expect(labelsOf('=x').wrong).toBe('=x');
		expect(labelsOf('').labels).toEqual({});
	});
});

describe("a host's numbers", () => {
	const host = {
		snapshot_time: '2026-01-01T00:00:00.000Z',
		cpu_cores: 4,
		cpu_load_1m: 6,
		cpu_load_5m: 0,
		cpu_load_15m: 0,
		ram_total_gib: 0,
		ram_used_gib: 0,
		disk_path: '/',
		disk_total_gib: 100,
		disk_used_gib: 80,
		disk_free_gib: 20,
	};

	it('are shares, and none is not a number', () => {
		expect(sharesOf(host)).toEqual({ cpu: 1.5, memory: 0, disk: 0.8 });
	});

	it('call for attention in steps', () => {
		expect([0, 0.74, 0.75, 0.9, 1.5].map(toneOf)).toEqual(['accent', 'accent', 'warning', 'danger', 'danger']);
	});
});

describe('a host over time', () => {
	const MIN = 60_000;
	const point = (minute: number, load = 1): HostPoint => ({
		at: new Date(minute * MIN).toISOString(),
		cpu_load_1m: load,
		cpu_load_1m_max: load * 2,
		cpu_load_5m: 0,
		cpu_load_15m: 0,
		cpu_cores: 4,
		ram_used_gib: 1,
		ram_total_gib: 2,
		disk_used_gib: 1,
		disk_total_gib: 4,
	});

	it('has a hole where nothing was reported, and a line elsewhere', () => {
		const points = [point(0), point(2), point(20), point(22)];
		const { at, share, peak } = columnsOf(points, 2 * MIN, 'cpu');
		expect(at).toEqual([0, 120, 240, 1200, 1320]);
		expect(share).toEqual([0.25, 0.25, null, 0.25, 0.25]);
		expect(peak).toEqual([0.5, 0.5, null, 0.5, 0.5]);
		expect(columnsOf(points, MIN, 'cpu')).toEqual({ at: [0, 120, 180, 1200, 1320], share, peak: null });
		expect(columnsOf([point(0)], 2 * MIN, 'memory')).toEqual({ at: [0], share: [0.5], peak: null });
	});

	it('goes forward, leaves nothing out and invents nothing, whatever is missing', () => {
		const minutes = fc.uniqueArray(fc.nat(5000), { maxLength: 60 }).map((all) => all.sort((a, b) => a - b));
		fc.assert(
			fc.property(minutes, fc.constantFrom(1, 6, 42), (all, span) => {
				const points = all.map((i) => point(i * span, i));
				const { at, share } = columnsOf(points, span * MIN, 'cpu');
				for (const [i, time] of at.entries()) if (i > 0) expect(time).toBeGreaterThan(at[i - 1] ?? Infinity);
				expect(at.filter((_, i) => share[i] !== null)).toEqual(all.map((i) => i * span * 60));
				expect(share.filter((s) => s !== null)).toEqual(all.map((i) => i / 4));
			}),
		);
	});

	it('is told in numbers', () => {
		expect(summaryOf(columnsOf([point(0, 1), point(2, 3), point(10, 2)], 2 * MIN, 'cpu'))).toEqual({
			low: 0.25,
			high: 1.5,
			mean: 0.5,
			last: 0.5,
		});
		expect(summaryOf(columnsOf([], MIN, 'disk'))).toBeNull();
	});

	it('fits into a table, its last row included', () => {
		fc.assert(
			fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 50 }), (all, most) => {
				const rows = some(all, most);
				expect(rows.length).toBeLessThanOrEqual(most);
				expect(rows.at(-1)).toBe(all.at(-1));
			}),
		);
	});
});

describe('how far the set-up is', () => {
	const some = <T>() => ({ id: 1 }) as T;
	const agent = (id: number, status: Agent['status']) => ({ id, status }) as Agent;
	const begun: Progress = { me: null, project: null, agent: null, job: null, run: null };

	it('goes from step to step', () => {
		const me = { ...begun, me: some<NonNullable<Progress['me']>>() };
		const project = { ...me, project: some<NonNullable<Progress['project']>>() };
		const ran = (status: 'running' | 'failed' | 'success') => ({
			...project,
			agent: agent(1, 'online'),
			run: { id: 1, status } as NonNullable<Progress['run']>,
		});
		expect(nextStep(begun)).toBe('admin');
		expect(nextStep(me)).toBe('project');
		expect(nextStep(project)).toBe('agent');
		for (const status of ['pending', 'offline', 'quarantined'] as const)
			expect(nextStep({ ...project, agent: agent(1, status) })).toBe('agent');
		expect(nextStep({ ...project, agent: agent(1, 'online') })).toBe('hello');
		expect(nextStep(ran('running'))).toBe('hello');
		expect(nextStep(ran('failed'))).toBe('hello');
		expect(nextStep(ran('success'))).toBeNull();
	});

	it('does not go back to the agent when it is away after its first run', () => {
		const run = { id: 1, status: 'success' } as NonNullable<Progress['run']>;
		const all = {
			me: some<NonNullable<Progress['me']>>(),
			project: some<NonNullable<Progress['project']>>(),
			job: null,
		};
		expect(nextStep({ ...all, agent: agent(1, 'offline'), run })).toBeNull();
	});

	it('takes an agent that is online, else the newest that was not shut out', () => {
		expect(chosenAgent([agent(3, 'pending'), agent(2, 'online'), agent(1, 'offline')])?.id).toBe(2);
		expect(chosenAgent([agent(3, 'revoked'), agent(2, 'pending'), agent(1, 'offline')])?.id).toBe(2);
		expect(chosenAgent([agent(3, 'revoked')])).toBeNull();
	});
});
