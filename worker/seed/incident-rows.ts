import type { BatchItem } from 'drizzle-orm/batch';
import type { EntryKind, EntryRef } from '#domain/incident-entry.ts';
import {
	action_items,
	incident_entries,
	incident_links,
	incidents,
	postmortem_versions,
	postmortems,
} from '#worker/db/client.ts';
import type { Ctx } from '#worker/services/context.ts';
import { type DemoIncident, demoIncidents } from './incidents.ts';
import { type DemoJob, demoJobs, type DemoUser, type ProjectName } from './jobs.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const iso = (ms: number) => new Date(ms).toISOString();

/** Whose numbers the demo's rows have. */
interface Numbers {
	user: (name: DemoUser) => number;
	project: (name: ProjectName) => number;
	environment: (of: Pick<DemoJob, 'project' | 'environment'>) => number | null;
	job: (job: DemoJob) => number;
}

function detectedAt({ ago }: DemoIncident, now: number): number {
	if (typeof ago === 'number') return now - ago * MINUTE;
	const [hour, minute] = ago.at;
	return (Math.floor(now / DAY) - ago.days) * DAY + (hour * 60 + minute) * MINUTE;
}

/** The demo's incidents with what was said and done, as the verbs would have written them. */
export function incidentRows(ctx: Ctx, now: number, numbers: Numbers): BatchItem<'sqlite'>[] {
	return demoIncidents.flatMap((incident, n) => {
		const id = n + 1;
		const detected = detectedAt(incident, now);
		const at = (minute: number | undefined) => (minute === undefined ? null : iso(detected + minute * MINUTE));
		const roleOf = (user: DemoUser | undefined) => (user === undefined ? null : numbers.user(user));
		const linked = incident.jobs.flatMap(({ title, role }) => {
			const job = demoJobs.find((one) => one.project === incident.project && one.title === title);
			return job ? [{ job_id: numbers.job(job), title, role }] : [];
		});
		const entries = entriesOf(incident, detected, numbers, linked);
		const last = entries.at(-1)?.at ?? iso(detected);
		return [
			ctx.db.insert(incidents).values({
				id,
				project_id: numbers.project(incident.project),
				environment_id: numbers.environment(incident),
				title: incident.title,
				description: incident.description,
				severity: incident.severity,
				status: incident.status,
				started_at: at(-incident.began),
				detected_at: iso(detected),
				acknowledged_at: at(incident.acknowledged),
				mitigated_at: at(incident.mitigated),
				resolved_at: at(incident.resolved),
				closed_at: at(incident.closed),
				commander_id: numbers.user(incident.roles.commander),
				scribe_id: roleOf(incident.roles.scribe),
				comms_id: roleOf(incident.roles.comms),
				created_at: iso(detected),
				updated_at: last,
			}),
			...entries.map((entry) =>
				ctx.db
					.insert(incident_entries)
					.values({ incident_id: id, ...entry, created_at: entry.at, updated_at: entry.at }),
			),
			...linked.map(({ job_id, role }) =>
				ctx.db.insert(incident_links).values({
					incident_id: id,
					kind: 'job',
					job_id,
					role,
					created_by_id: numbers.user(incident.roles.commander),
					created_at: iso(detected),
					updated_at: iso(detected),
				}),
			),
			...postmortemRows(ctx, id, incident, detected, numbers),
		];
	});
}

function entriesOf(
	{ roles, notes, acknowledged, mitigated, resolved, closed }: DemoIncident,
	detected: number,
	numbers: Numbers,
	linked: { job_id: number; title: string; role: string }[],
) {
	const commander = numbers.user(roles.commander);
	const by = (at: number, kind: EntryKind, ref: EntryRef) => ({ at, kind, author_id: commander, body: '', ref });
	const steps = [
		by(0, 'status', { type: 'status', step: 'open', from: null, to: 'open' }),
		by(acknowledged, 'status', { type: 'status', step: 'acknowledge', from: 'open', to: 'open' }),
		...(['commander', 'scribe', 'comms'] as const).flatMap((role) => {
			const name = roles[role];
			return name ? [by(acknowledged + 1, 'role', { type: 'role', role, from: null, to: numbers.user(name) })] : [];
		}),
		...linked.map(({ job_id, title, role }) =>
			by(acknowledged + 4, 'change', { type: 'link', act: 'added', kind: 'job', id: job_id, title, as: role }),
		),
		...(mitigated === undefined
			? []
			: [by(mitigated, 'status', { type: 'status', step: 'mitigate', from: 'open', to: 'mitigated' })]),
		...(resolved === undefined
			? []
			: [by(resolved, 'status', { type: 'status', step: 'resolve', from: 'mitigated', to: 'resolved' })]),
		...(closed === undefined
			? []
			: [by(closed, 'status', { type: 'status', step: 'close', from: 'resolved', to: 'closed' })]),
	];
	const said = notes.map(({ at, by, body, pinned = false }) => ({
		at,
		kind: 'note' as const,
		author_id: numbers.user(by),
		body,
		ref: null,
		pinned,
	}));
	return [...steps, ...said]
		.sort((a, b) => a.at - b.at)
		.map((entry) => ({ ...entry, at: iso(detected + entry.at * MINUTE) }));
}

function postmortemRows(
	ctx: Ctx,
	incident_id: number,
	{ postmortem }: DemoIncident,
	detected: number,
	numbers: Numbers,
): BatchItem<'sqlite'>[] {
	if (!postmortem) return [];
	const { actions, by, published, ...sections } = postmortem;
	const id = incident_id;
	const created_by_id = numbers.user(by);
	const at = iso(detected + published * MINUTE);
	const stamps = { created_at: at, updated_at: at };
	return [
		ctx.db
			.insert(postmortems)
			.values({ id, incident_id, ...sections, status: 'published', published_at: at, created_by_id, ...stamps }),
		ctx.db.insert(postmortem_versions).values({
			postmortem_id: id,
			number: 1,
			reason: 'publish',
			status: 'published',
			...sections,
			created_by_id,
			created_at: at,
		}),
		...actions.map(({ owner, days, ...action }) =>
			ctx.db.insert(action_items).values({
				postmortem_id: id,
				...action,
				owner_id: numbers.user(owner),
				due: iso(ctx.now() + days * 24 * 60 * MINUTE),
				...stamps,
			}),
		),
	];
}
