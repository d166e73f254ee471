import { ProjectStatus } from '#domain/project.ts';
import { one } from '../../args.ts';
import { command } from '../../command.ts';
import { listed, listOptions, showList } from '../../pages.ts';
import { Project, pageOf } from '../../rows.ts';
import { toneOf } from '../../words.ts';

export const listProjects = command({
	name: 'projects list',
	summary: 'the projects you may see',
	operands: [],
	options: { status: one('STATUS', ProjectStatus, 'active, paused or archived'), ...listOptions },
	run: async ({ values }, { out, hub }) => {
		const { api } = await hub();
		const { status } = values;
		const page = await listed(values, (query) =>
			api.get('/projects', pageOf(Project), { query: { ...query, status, sort: 'name' } }),
		);
		showList(out, page, [
			{ head: 'ID', cell: ({ id }) => id, right: true },
			{ head: 'NAME', cell: ({ name }) => name, fit: true },
			{ head: 'STATUS', cell: ({ status }) => status, tone: ({ status }) => toneOf(status) },
			{ head: 'YOU MAY', cell: ({ access }) => access },
		]);
		return undefined;
	},
});
