import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Agent } from '#domain/agent.ts';
import { Labels } from '#domain/job.ts';
import { enrolCommand } from '#lib/fleet/command.ts';
import { sharesOf, sparkline, toneOf } from '#lib/fleet/host.ts';
import { labelsOf, labelsText } from '#lib/fleet/labels.ts';
import { chosenAgent, nextStep, type Progress } from '#lib/setup/steps.ts';

const token = `uhe_${'a'.repeat(43)}`;

describe('the enrolment command', () => {
	it('enrols, then starts', () => {
		expect(enrolCommand({ hub: 'https://hub.example.org/fleet', token, allowLocal: false })).toBe(
			`node dist/uhub-agent.mjs enroll --hub https://hub.example.org --token ${token} && node dist/uhub-agent.mjs start`,
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

	it('draw a line with a hole where nothing was reported', () => {
		const min = 60_000;
		const at = [0, min, 20 * min, 21 * min];
		expect(sparkline(at.map((t, i) => ({ at: t, share: i / 2 })))).toBe('M0.0 100.0L47.6 66.7M952.4 33.3L1000.0 0.0');
	});

	it('draw nothing of a single report', () => {
		expect(sparkline([])).toBe('');
		expect(sparkline([{ at: 5, share: 0.5 }])).toBe('');
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
