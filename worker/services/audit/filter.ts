import { and, eq, gte, lt, or, sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { ActorKind } from '#domain/audit.ts';
import { Id, ListQuery, Time } from '#domain/common.ts';
import { audit_logs } from '../../db/client.ts';
import { holds } from '../list.ts';

const id = z.coerce.number().pipe(Id).optional();

/** What the list and the export of the audit are filtered by. */
export const auditFilter = {
	action: z.string().max(60).optional(),
	object_type: z.string().max(60).optional(),
	object_id: id,
	project_id: id,
	user_id: id,
	actor_kind: ActorKind.optional(),
	from: Time.optional(),
	to: Time.optional(),
	/** In the action, and in the beginning of what was said of it: names, and what was changed. */
	q: ListQuery.q,
};
type Filter = z.infer<z.ZodObject<typeof auditFilter>>;

/** As much of what was said as the index of its texts has: whole documents may be in it. */
const searched = sql`substr(${audit_logs.metadata}, 1, 1000)`;

export function matching(filter: Filter): SQL | undefined {
	const { timestamp } = audit_logs;
	const fields = ['action', 'object_type', 'object_id', 'project_id', 'user_id', 'actor_kind'] as const;
	return and(
		...fields.map((name) => {
			const value = filter[name];
			return value === undefined ? undefined : eq(audit_logs[name], value);
		}),
		filter.from ? gte(timestamp, filter.from) : undefined,
		filter.to ? lt(timestamp, filter.to) : undefined,
		or(holds(audit_logs.action, filter.q), holds(searched, filter.q)),
	);
}
