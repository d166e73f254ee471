import { and, desc, eq, inArray, sql } from 'drizzle-orm';
import type { Abilities, AgentRefusal, HostReport } from '#domain/agent.ts';
import { agents, projects, server_statuses } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import type { AgentRow } from './rows.ts';

/** The most projects whose open pages are told when an agent that serves every project comes or goes. */
const TOLD_MAX = 50;

/** An agent's row without its host; null when there is none. */
export async function loadAgent(ctx: Ctx, id: number): Promise<AgentRow | null> {
	const [agent] = await ctx.db.select().from(agents).where(eq(agents.id, id));
	return agent ?? null;
}

/** An agent proved itself and is here. Its labels, scope and limit stay what this hub's people gave it. */
export const agentOnline = (ctx: Ctx, id: number, is: { agent_version: string; abilities: Abilities }): Promise<void> =>
	setSeen(ctx, id, { status: 'online', refusal: null, ...is });

/** An agent's connection is gone, or silent for longer than its lease. */
export const agentOffline = (ctx: Ctx, id: number): Promise<void> => setSeen(ctx, id, { status: 'offline' });

/** What machines say of themselves is no edit: `version`, which people's edits rest on, does not move. */
async function setSeen(
	ctx: Ctx,
	id: number,
	facts: { status: 'online' | 'offline'; agent_version?: string; abilities?: Abilities; refusal?: null },
): Promise<void> {
	const now = new Date(ctx.now()).toISOString();
	const [agent] = await ctx.db
		.update(agents)
		.set({ ...facts, last_seen_at: now, updated_at: now })
		.where(and(eq(agents.id, id), inArray(agents.status, ['online', 'offline'])))
		.returning();
	if (agent) await tellAgent(ctx, agent);
}

/** Keeps why an agent was turned away, for those who can see to it. That it is in quarantine does not hide what led there. */
export async function agentRefused(ctx: Ctx, id: number, refusal: Omit<AgentRefusal, 'at'>): Promise<void> {
	const at = new Date(ctx.now()).toISOString();
	await ctx.db
		.update(agents)
		.set({ refusal: { ...refusal, at } })
		.where(
			and(
				eq(agents.id, id),
				refusal.code === 'quarantined'
					? sql`coalesce(${agents.refusal} ->> '$.code', '') <> 'key_in_two_places'`
					: undefined,
			),
		);
	await agentsChanged(ctx);
}

/** Of an agent only who looks at the fleet sees more than before. */
export const agentsChanged = (ctx: Ctx): Promise<void> => ctx.live.touched([{ kind: 'agent', user_id: null }]);

/** Keeps a report of the agent's host. */
export async function hostReported(ctx: Ctx, id: number, report: HostReport): Promise<void> {
	const now = ctx.now();
	await ctx.db.batch([
		// The hub's clock, not the host's: a host whose clock is wrong must not vanish from the charts, or fill them for ever.
		ctx.db.insert(server_statuses).values({ agent_id: id, ...report, snapshot_time: new Date(now).toISOString() }),
		ctx.db
			.update(agents)
			.set({ last_seen_at: new Date(now).toISOString() })
			.where(eq(agents.id, id)),
	]);
	await ctx.live.touched([{ kind: 'host', user_id: null }]);
}

/** The agent's key is in two places: until a person has looked at it, nobody holds it. */
export async function quarantineAgent(ctx: Ctx, id: number, boot_ids: readonly string[]): Promise<void> {
	const [[agent]] = await commit(
		ctx,
		{ kind: 'system' },
		{
			statements: [
				ctx.db
					.update(agents)
					.set({
						status: 'quarantined',
						refusal: {
							code: 'key_in_two_places',
							message: 'Its key was used in two places at once.',
							at: new Date(ctx.now()).toISOString(),
						},
						updated_at: new Date(ctx.now()).toISOString(),
						version: sql`version + 1`,
					})
					.where(and(eq(agents.id, id), inArray(agents.status, ['online', 'offline'])))
					.returning(),
			],
			audit: [
				{ action: 'agent.quarantine', object_type: 'Agent', object_id: id, project_id: null, metadata: { boot_ids } },
			],
		},
	);
	if (agent) ctx.after(tellAgent(ctx, agent));
}

/** Tells the projects it serves, which may have a run for it, and who looks at the fleet. */
export async function tellAgent(ctx: Ctx, agent: AgentRow): Promise<void> {
	const told =
		agent.project_ids ??
		(
			await ctx.db
				.select({ id: projects.id })
				.from(projects)
				.where(eq(projects.status, 'active'))
				.orderBy(desc(projects.updated_at))
				.limit(TOLD_MAX)
		).map(({ id }) => id);
	await Promise.all([
		ctx.live.changed(told.map((project_id) => ({ project_id, entity: 'agent' as const, id: agent.id, row: agent }))),
		// Who sees it as one of the fleet only; a host, and who waits to be let in, is told here alone.
		agentsChanged(ctx),
	]);
}
