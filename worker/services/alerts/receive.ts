import { eq, sql } from 'drizzle-orm';
import type { AlertSource, AlertSourceKind, AlertsTaken } from '#domain/alert.ts';
import { DomainError, notFound } from '#domain/errors.ts';
import type { EntryRef } from '#domain/incident-entry.ts';
import { alert_sources, incident_entries, incidents, projects } from '../../db/client.ts';
import { sourceColumns } from '../alert_sources/rows.ts';
import { assertWithin, countAttempt, type Limit, uncount } from '../attempts.ts';
import { jsonOf } from '../bytes.ts';
import { type AuditEntry, commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, unchanged, writable } from '../edit.ts';
import { changesFor } from '../incidents/rows.ts';
import { rowsOf } from '../rows-of.ts';
import type { Sealer } from '../sealed.ts';
import { hashOf } from '../secrets.ts';
import { lastLine, planOf, type Step } from './plan.ts';
import { isProved, type Signature } from './proof.ts';

/** So many deliveries with anything new in them are taken of a source in a quarter of an hour: its address may have got about. */
const NEWS_MAX = 150;

export interface AlertDelivery extends Signature {
	kind: AlertSourceKind;
	key: string;
	body: Uint8Array;
}

/** Takes what a source sends. Nobody is signed in: the key in its address says which source it is. */
export async function receiveAlerts(ctx: Ctx, sealer: Sealer, delivery: AlertDelivery): Promise<AlertsTaken> {
	const source = await known(ctx, sealer, delivery);
	const { steps, taken } = await planOf(ctx, source, jsonOf(delivery.body));
	const news = steps.filter(({ does }) => does === 'open' || does === 'note');
	if (news.length === 0) return taken;
	const limit: Limit = { subject: `alert_source:${String(source.id)}`, max: NEWS_MAX };
	const [counted] = await countAttempt(ctx, limit);
	assertWithin(ctx, limit, counted);
	await take(ctx, source, news, taken);
	return taken;
}

/** The source of this key, where the delivery is signed as it asks. One answer for each key that is wrong. */
async function known(ctx: Ctx, sealer: Sealer, { kind, key, ...signed }: AlertDelivery): Promise<AlertSource> {
	const limit: Limit = { subject: `alerts:${ctx.ip ?? ''}`, max: 60 };
	const [[counted], [found]] = await ctx.db.batch([
		countAttempt(ctx, limit),
		ctx.db
			.select({ ...sourceColumns, project_status: sql<string>`${projects.status}`.as('project_status') })
			.from(alert_sources)
			.innerJoin(projects, eq(projects.id, alert_sources.project_id))
			.where(eq(alert_sources.key_hash, await hashOf(key))),
	]);
	assertWithin(ctx, limit, counted);
	if (found?.kind !== kind) throw notFound('alert source');
	if (!(await isProved(ctx, sealer, found, signed)))
		throw new DomainError(
			'not_signed_in',
			'This is not signed with the key that the alert source asks for, or not now.',
		);
	await uncount(ctx, limit);
	const { project_status, ...source } = found;
	assertWritable({ status: project_status });
	return source;
}

async function take(ctx: Ctx, source: AlertSource, news: readonly Step[], taken: AlertsTaken): Promise<void> {
	const { project_id, environment_id } = source;
	const now = ctx.now();
	const stamps = { version: 1, created_at: now, updated_at: now };
	const opened = news.filter(({ does }) => does === 'open');
	const rows = opened.map(({ title, severity, key, since }) => ({
		project_id,
		environment_id,
		title,
		severity,
		status: 'open',
		started_at: since === null ? null : Date.parse(since),
		detected_at: now,
		dedupe_key: key,
		...stamps,
	}));
	const line = { author_id: null, pinned: 0, hidden: 0, ...stamps };
	const begun: EntryRef = { type: 'status', step: 'open', from: null, to: 'open' };
	const lines = [
		...opened.map(({ key }) => ({ ...line, key, at: now, kind: 'status', body: '', ref: begun })),
		...news.map(({ key, at, status, title, url }) => {
			const ref: EntryRef = { type: 'alert', status, title };
			return { ...line, key, at: Date.parse(at), kind: 'alert', body: url ?? '', ref };
		}),
	];
	/** Which it is is not known before it is opened; of those that are not over, one has the key. */
	const withKey = (key: unknown) =>
		sql`(select id from incidents where project_id = ${project_id} and dedupe_key = ${key} and status in ('open', 'mitigated'))`;
	const audit: AuditEntry[] = [
		{
			action: 'alert_source.receive',
			object_type: 'AlertSource',
			object_id: source.id,
			project_id,
			metadata: { ...taken },
		},
		...opened.map(({ key, title, severity }): AuditEntry => ({
			action: 'incident.create',
			object_type: 'Incident',
			object_id: withKey(key),
			project_id,
			metadata: { title, severity, environment_id, alert_source_id: source.id },
		})),
	];
	const keys = JSON.stringify(news.map(({ key }) => key));
	const seen = JSON.stringify(
		news.flatMap(({ incident }) => (incident ? [{ id: incident.id, line: incident.last_line }] : [])),
	);
	const [made, entries] = await commit(
		ctx,
		{ kind: 'system' },
		{
			expect: [
				writable(project_id),
				unchanged(alert_sources, source),
				// Neither opened nor over since, and nothing told of them in between.
				sql`(select count(*) from incidents where project_id = ${project_id} and status in ('open', 'mitigated')
					and dedupe_key in (select value from json_each(${keys}))) = json_array_length(${seen})`,
				sql`not exists (select 1 from json_each(${seen}) was join incidents on incidents.id = was.value ->> 'id'
					where incidents.status not in ('open', 'mitigated') or ${lastLine} is not was.value ->> 'line')`,
			],
			statements: [
				ctx.db.insert(incidents).select(rowsOf(incidents, rows)).returning(),
				ctx.db
					.insert(incident_entries)
					.select(rowsOf(incident_entries, lines, { incident_id: withKey(sql.raw(`value ->> 'key'`)) }))
					.returning(),
			],
			audit,
		},
	);
	ctx.after(
		ctx.live.changed([
			...made.flatMap((incident) => changesFor(incident)),
			...entries.map((row) => ({ project_id, entity: 'incident_entry' as const, id: row.id, row })),
		]),
	);
}
