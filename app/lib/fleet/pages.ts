import { z } from 'zod';
import type { Query } from '#client/typed.ts';
import { Agent } from '#domain/agent.ts';
import { pageOf } from '#domain/common.ts';
import type { User } from '#domain/user.ts';
import { api } from '#lib/api/client.ts';
import { may } from '#lib/api/rights.ts';

/** A page of agents, as every list of them is answered. */
export const AgentPage = pageOf(Agent);

/** What the list of agents takes from the address. */
export const agentFilters = ['q', 'status', 'sort', 'cursor'] as const;

/** A page of the fleet, and (for who may let them in) the agents that wait for it. `fetch`: SvelteKit's own. */
export async function loadFleet(me: User, query: Query<'GET', '/agents'>, fetch: typeof globalThis.fetch) {
	const [agents, waiting] = await Promise.all([
		api.get('/agents', AgentPage, { fetch, query }),
		may(me, 'agent.confirm', null)
			? api.get('/agents', AgentPage, { fetch, query: { status: 'pending', limit: 20 } })
			: { items: [] },
	]);
	return { agents, waiting: waiting.items };
}

/** The hub's own version, which its agents should have too. */
export const hubVersion = async (fetch: typeof globalThis.fetch): Promise<string> =>
	(await api.get('/health', z.object({ version: z.string() }), { fetch })).version;
