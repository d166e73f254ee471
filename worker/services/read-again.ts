import { eq } from 'drizzle-orm';
import { postmortems } from '../db/client.ts';
import { readAgent } from './agents/read.ts';
import { readChange } from './changes/read.ts';
import { readCluster } from './clusters/read.ts';
import type { Ctx } from './context.ts';
import { one } from './edit.ts';
import { readEnvironment } from './environments/read.ts';
import { readEvent } from './events/read.ts';
import { readFreeze } from './freezes/read.ts';
import { readGroup } from './groups/read.ts';
import { readIncident } from './incidents/read.ts';
import { readInventory } from './inventories/read.ts';
import { readJob } from './jobs/read.ts';
import { readMetricRef } from './metric_refs/read.ts';
import { omit } from './omit.ts';
import { readPostMortem } from './postmortems/read.ts';
import { readProject } from './projects/read.ts';
import { readRepo } from './repos/read.ts';
import { readRun } from './runs/read.ts';
import { readScript } from './scripts/read.ts';
import { readPlan } from './terraform_plans/read.ts';

type Read = (ctx: Ctx, id: number) => Promise<object>;

/** How what the audit names is read as the verb that made or changed it answers it. */
const readers: Partial<Record<string, Read>> = {
	Agent: readAgent,
	Cluster: readCluster,
	Environment: readEnvironment,
	Event: readEvent,
	Freeze: readFreeze,
	GitChange: readChange,
	GitRepo: readRepo,
	Group: readGroup,
	Incident: async (ctx, id) => omit(await readIncident(ctx, id), 'postmortem'),
	Inventory: readInventory,
	Job: readJob,
	MetricRef: readMetricRef,
	PostMortem: async (ctx, id) => {
		const { incident_id } = postmortems;
		const found = await ctx.db.select({ incident_id }).from(postmortems).where(eq(postmortems.id, id));
		return readPostMortem(ctx, one(found, 'post-mortem').incident_id);
	},
	Project: readProject,
	Run: readRun,
	ScriptRef: readScript,
	TerraformPlan: readPlan,
};

/** The row that a verb made or changed, as it is now; null where it cannot be read by itself. */
export async function readAgain(
	ctx: Ctx,
	{ object_type, object_id }: { object_type: string | null; object_id: number | null },
): Promise<object | null> {
	const read = object_type === null ? undefined : readers[object_type];
	return read && object_id !== null ? read(ctx, object_id) : null;
}
