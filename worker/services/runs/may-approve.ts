import { sql, type SQL } from 'drizzle-orm';
import { accessRankOf } from '../gate.ts';

/** For `where`, over a run and an active person (`id`, `role`): this person could approve this run, and has not yet. */
export const mayApprove = (person: SQL, run: SQL): SQL => sql`(${person}.id <> ${run}.triggered_by_id
	and (${person}.role = 'admin' or (${person}.role = 'ops' and ${accessRankOf(sql`${person}.id`, sql`${run}.project_id`)} >= 3))
	and not exists (select 1 from approvals mine where mine.run_id = ${run}.id
		and (mine.decided_by_id = ${person}.id or mine.decision = 'rejected')))`;
