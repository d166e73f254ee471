import type { AgentStatus } from '#domain/agent.ts';
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
