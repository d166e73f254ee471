import { and, eq, inArray, sql } from 'drizzle-orm';
import {
	type Alert,
	type AlertPreview,
	type AlertSource,
	type AlertsTaken,
	keyOf,
	type LastTold,
	momentOf,
	newsOf,
} from '#domain/alert.ts';
import { readAlerts } from '#domain/alert-payload.ts';
import type { Severity } from '#domain/incident.ts';
import { incidents } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { hashOf } from '../secrets.ts';

/** More incidents are not opened at once: what tells of more has broken down itself, or is told again. */
const OPEN_AT_ONCE = 20;

export interface Step extends Omit<Alert, 'at'> {
	key: string;
	/** As the alert says; null where it does not. */
	since: string | null;
	at: string;
	severity: Severity;
	does: AlertPreview['alerts'][number]['does'];
	incident: Known | null;
}
type Known = Awaited<ReturnType<typeof knownOf>>[number];

/** What a delivery comes to, alert by alert, as things stand. */
export async function planOf(
	ctx: Ctx,
	source: AlertSource,
	body: unknown,
): Promise<{ steps: Step[]; taken: AlertsTaken }> {
	const { alerts, left_out } = readAlerts(source, body);
	const now = new Date(ctx.now()).toISOString();
	const told = await Promise.all(
		alerts.map(async ({ at: said, ...alert }) => ({
			...alert,
			since: momentOf(said, ctx.now()),
			key: keyOf(source, alert.identity, await hashOf(alert.identity)),
			at: momentOf(said, ctx.now()) ?? now,
			severity: alert.severity ?? source.severity,
		})),
	);
	const known = await knownOf(
		ctx,
		source.project_id,
		told.map(({ key }) => key),
	);
	let opened = 0;
	const steps = told.map((alert): Step => {
		const incident = known.find(({ dedupe_key }) => dedupe_key === alert.key) ?? null;
		if (incident) {
			const at = newsOf(lastOf(incident), alert, now);
			return { ...alert, incident, at: at ?? alert.at, does: at === null ? 'ignore' : 'note' };
		}
		if (alert.status === 'resolved') return { ...alert, incident, does: 'ignore' };
		return { ...alert, incident, does: ++opened > OPEN_AT_ONCE ? 'leave_out' : 'open' };
	});
	const count = (what: Step['does']) => steps.filter((step) => step.does === what).length;
	return {
		steps,
		taken: {
			opened: count('open'),
			noted: count('note'),
			ignored: count('ignore'),
			left_out: left_out + count('leave_out'),
		},
	};
}

const lastOf = ({ last_status, last_at }: Known): LastTold | null =>
	last_status === null || last_at === null ? null : { status: last_status, at: last_at };

/** The newest line of an incident that an alert wrote. */
export const lastLine = sql.raw(
	`(select max(line.id) from incident_entries line where line.incident_id = incidents.id and line.kind = 'alert')`,
);

/** The incidents of these keys that are not over, and what was last told of each. */
const knownOf = (ctx: Ctx, project_id: number, keys: readonly string[]) =>
	ctx.db
		.select({
			id: incidents.id,
			status: incidents.status,
			dedupe_key: incidents.dedupe_key,
			last_line: sql<number | null>`${lastLine}`.as('last_line'),
			last_status: sql<
				LastTold['status'] | null
			>`(select line.ref ->> 'status' from incident_entries line where line.id = ${lastLine})`.as('last_status'),
			last_at: sql<number | null>`(select line.at from incident_entries line where line.id = ${lastLine})`
				.mapWith((ms: number) => new Date(ms).toISOString())
				.as('last_at'),
		})
		.from(incidents)
		.where(
			and(
				eq(incidents.project_id, project_id),
				inArray(incidents.status, ['open', 'mitigated']),
				inArray(incidents.dedupe_key, sql`(select value from json_each(${JSON.stringify(keys)}))`),
			),
		);
