import type { AgentRefusal, AgentStatus } from '#domain/agent.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';
import type { Resource } from './host.ts';

export const resourceName: Record<Resource, () => string> = {
	cpu: m.fleet_cpu,
	memory: m.fleet_memory,
	disk: m.fleet_disk,
};

export const agentStatus: Words<AgentStatus> = {
	pending: m.agent_pending,
	online: m.agent_online,
	offline: m.agent_offline,
	quarantined: m.agent_quarantined,
	revoked: m.agent_revoked,
};

/** Why an agent was turned away. */
export const refusalWords: Words<AgentRefusal['code']> = {
	protocol: m.fleet_refused_protocol,
	signature: m.fleet_refused_signature,
	not_confirmed: m.fleet_refused_not_confirmed,
	quarantined: m.fleet_refused_quarantined,
	revoked: m.fleet_refused_revoked,
	key_in_two_places: m.fleet_refused_two_places,
};
