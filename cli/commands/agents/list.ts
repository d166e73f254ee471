import { AgentStatus } from '#domain/agent.ts';
import { one } from '../../args.ts';
import { command } from '../../command.ts';
import { listed, listOptions, showList } from '../../pages.ts';
import { Agent, pageOf } from '../../rows.ts';
import { moment, toneOf } from '../../words.ts';

export const listAgents = command({
	name: 'agents list',
	summary: 'the agents that carry runs out',
	operands: [],
	options: { status: one('STATUS', AgentStatus, 'in this status'), ...listOptions },
	run: async ({ values }, { out, hub }) => {
		const { api } = await hub();
		const { status } = values;
		const page = await listed(values, (query) => api.get('/agents', pageOf(Agent), { query: { ...query, status } }));
		showList(out, page, [
			{ head: 'ID', cell: ({ id }) => id, right: true },
			{ head: 'NAME', cell: ({ name }) => name, fit: true },
			{ head: 'STATUS', cell: ({ status }) => status, tone: ({ status }) => toneOf(status) },
			{ head: 'RUNS', cell: ({ capacity }) => capacity, right: true },
			{ head: 'VERSION', cell: ({ agent_version }) => agent_version },
			{ head: 'SEEN', cell: ({ last_seen_at }) => moment(last_seen_at) },
			{
				head: 'LABELS',
				cell: ({ labels }) =>
					Object.entries(labels)
						.map(([key, value]) => `${key}=${value}`)
						.join(' '),
			},
		]);
		return undefined;
	},
});
