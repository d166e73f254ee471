import type { Agent } from '#domain/agent.ts';
import { conflict } from '#domain/errors.ts';
import type { Ctx } from '../context.ts';
import { setAgentStatus } from './status.ts';

/** Shuts an agent out until somebody has compared its fingerprint again: its socket closes at once. */
export const quarantineByHand = (ctx: Ctx, id: number): Promise<Agent> =>
	setAgentStatus(ctx, 'agent.quarantine', id, 'quarantined', (agent) => {
		if (agent.status !== 'online' && agent.status !== 'offline')
			throw conflict(`The agent is ${agent.status}: there is nothing to shut out.`);
	});
