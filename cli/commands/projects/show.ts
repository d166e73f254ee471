import { command } from '../../command.ts';
import { findProject } from '../../find.ts';
import { Environment, pageOf } from '../../rows.ts';
import { details } from '../../table.ts';
import { moment, toneOf } from '../../words.ts';

export const showProject = command({
	name: 'projects show',
	summary: 'one project, by its name or id',
	operands: ['PROJECT'],
	options: {},
	run: async ({ of }, { out, hub }) => {
		const { api } = await hub();
		const project = await findProject(api, of.PROJECT);
		if (out.json) {
			out.show(project, () => '');
			return undefined;
		}
		const { items } = await api.get(`/projects/${String(project.id)}/environments`, pageOf(Environment), {
			query: { limit: 200 },
		});
		out.show(project, (style) =>
			details(
				[
					['id', project.id],
					['name', project.name, 'strong'],
					['status', project.status, toneOf(project.status)],
					['you may', project.access],
					['environments', items.map(({ name, type }) => `${name} (${type})`).join('\n')],
					['runs by', project.execution_backend],
					['created', moment(project.created_at)],
					['about', project.description],
				],
				style,
			),
		);
		return undefined;
	},
});
