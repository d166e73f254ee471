import { describe, expect, it } from 'vitest';
import { ranked } from '#domain/incident-change.ts';
import { afterStep, incidentSteps, IncidentStatus, IncidentStep, incidentTimes } from '#domain/incident.ts';
import { can } from '#domain/permissions.ts';
import { Role } from '#domain/user.ts';

const fresh = {
	status: 'open' as IncidentStatus,
	acknowledged_at: null,
	mitigated_at: null,
	resolved_at: null,
	closed_at: null,
};
const at = (n: number) => new Date(1_790_000_000_000 + n * 60_000).toISOString();

/** The same numbers for the same seed. */
function random(seed: number): () => number {
	let a = seed;
	return () => {
		a = (a * 1_103_515_245 + 12_345) & 0x7fffffff;
		return a / 0x7fffffff;
	};
}

describe("an incident's steps", () => {
	it('follow the table from every status', () => {
		for (const status of IncidentStatus.options)
			for (const step of IncidentStep.options) {
				const next = afterStep({ ...fresh, status }, step, at(1));
				expect(next !== null, `${step} from ${status}`).toBe(incidentSteps[step].from.includes(status));
				if (next) expect(next.status).toBe(incidentSteps[step].to ?? status);
			}
	});

	it('keep, in any order, every stamp of where it has been and none of where it has not', () => {
		for (let seed = 1; seed <= 300; seed++) {
			const next = random(seed);
			let incident: Parameters<typeof afterStep>[0] = fresh;
			for (let n = 1; n <= 25; n++) {
				const step = IncidentStep.options[Math.floor(next() * IncidentStep.options.length)] ?? 'resolve';
				const before = incident;
				incident = afterStep(incident, step, at(n)) ?? incident;
				const { status, acknowledged_at, mitigated_at, resolved_at, closed_at } = incident;
				const said = `seed ${String(seed)}, ${step} from ${before.status}`;
				expect(closed_at !== null, said).toBe(status === 'closed');
				expect(resolved_at !== null, said).toBe(status === 'resolved' || status === 'closed');
				expect(mitigated_at !== null, said).toBe(status !== 'open');
				if (status !== 'open') expect(acknowledged_at, said).not.toBeNull();
				if (before.acknowledged_at !== null) expect(acknowledged_at, said).toBe(before.acknowledged_at);
				const stamps = [mitigated_at, resolved_at, closed_at].filter((stamp) => stamp !== null);
				expect(stamps, said).toEqual([...stamps].sort());
			}
		}
	});

	it('give the times they took', () => {
		expect(
			incidentTimes({ started_at: at(0), detected_at: at(4), acknowledged_at: at(6), resolved_at: at(34) }),
		).toEqual({ mttd: 240_000, mtta: 120_000, mttr: 1_800_000 });
		expect(incidentTimes({ started_at: null, detected_at: at(4), acknowledged_at: null, resolved_at: null })).toEqual({
			mttd: null,
			mtta: null,
			mttr: null,
		});
		// Detected earlier than it was thought to be, as an edit may say afterwards: no time is negative.
		expect(
			incidentTimes({ started_at: null, detected_at: at(4), acknowledged_at: at(1), resolved_at: null }).mtta,
		).toBe(0);
	});
});

describe('who may do what with an incident', () => {
	const least = (action: Parameters<typeof can>[1], role: Role) =>
		(['read', 'contribute', 'operate', 'manage'] as const).find(
			(access) => can({ kind: 'user', id: 1, username: 'x', role }, action, { access }).allowed,
		) ?? 'never';

	it('is what the table says', () => {
		for (const action of ['incident.create', 'incident.update', 'incident_entry.create', 'postmortem.update'] as const)
			expect(Role.options.map((role) => least(action, role))).toEqual([
				'read',
				'contribute',
				'contribute',
				'contribute',
			]);
		for (const action of ['incident.update_severity', 'incident.close', 'postmortem.publish'] as const)
			expect(Role.options.map((role) => least(action, role))).toEqual(['read', 'manage', 'never', 'operate']);
	});
});

describe('what changed before an incident', () => {
	const base = {
		kind: 'run' as const,
		title: 'x',
		action: null,
		fields: [],
		job_id: 1,
		status: 'success',
		environment_id: 2,
		by_id: 1,
		linked: false,
	};
	const incident = { environment_id: 7, detected_at: at(600) };

	it('begins with what is linked, of the same environment, just before, failed; then the latest', () => {
		const items = ranked(incident, [
			{ ...base, id: 1, at: at(10) },
			{ ...base, id: 2, at: at(20) },
			{ ...base, id: 3, at: at(5), status: 'failed' },
			{ ...base, id: 4, at: at(590) },
			{ ...base, id: 5, at: at(6), environment_id: 7 },
			{ ...base, id: 6, at: at(1), linked: true },
		]);
		expect(items.map(({ id }) => id)).toEqual([6, 5, 4, 3, 2, 1]);
		expect(items.map(({ reasons }) => reasons)).toEqual([
			['linked'],
			['same_environment'],
			['just_before'],
			['failed'],
			[],
			[],
		]);
	});

	it('takes no environment for the same as none', () => {
		const [item] = ranked({ ...incident, environment_id: null }, [
			{ ...base, id: 1, at: at(10), environment_id: null },
		]);
		expect(item?.reasons).toEqual([]);
	});
});
