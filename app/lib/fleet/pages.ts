import { Agent } from '#domain/agent.ts';
import { pageOf } from '#domain/common.ts';

/** A page of agents, as every list of them is answered. */
export const AgentPage = pageOf(Agent);

/** What the list of agents takes from the address. */
export const agentFilters = ['q', 'status', 'sort', 'cursor'] as const;

/** How often the fleet asks how it is. */
export const ASK_EVERY_MS = 5000;
