import type { Agent } from '#domain/agent.ts';
import { conflict } from '#domain/errors.ts';
import type { Ctx } from '../context.ts';
import { setAgentStatus } from './status.ts';

/** Ends an agent's membership for good: its socket closes at once, its key is never accepted again. */
export const revokeAgent = (ctx: Ctx, id: number): Promise<Agent> =>
	setAgentStatus(ctx, 'agent.revoke', id, 'revoked', (agent) => {
		if (agent.status === 'revoked') throw conflict('The agent is revoked already.');
	});
