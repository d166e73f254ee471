import { z } from 'zod';
import type { Agent } from '#domain/agent.ts';
import { Sha256 } from '#domain/common.ts';
import { conflict, invalid } from '#domain/errors.ts';
import type { Ctx } from '../context.ts';
import { setAgentStatus } from './status.ts';

export const Confirmation = z.strictObject({ fingerprint: Sha256 });

/** An admin has compared the fingerprint: the agent may connect. A quarantined one is let back in the same way. */
export const confirmAgent = (ctx: Ctx, id: number, { fingerprint }: z.infer<typeof Confirmation>): Promise<Agent> =>
	setAgentStatus(ctx, 'agent.confirm', id, 'offline', (agent) => {
		if (agent.status !== 'pending' && agent.status !== 'quarantined')
			throw conflict(`The agent is ${agent.status}: there is nothing to confirm.`);
		if (agent.fingerprint !== fingerprint) throw invalid('fingerprint', "is not this agent's");
	});
