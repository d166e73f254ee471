import { IncidentStatus, Severity } from '#domain/incident.ts';
import { flag, one, text } from '../../args.ts';
import { command } from '../../command.ts';
import { findProject, projectNames } from '../../find.ts';
import { listed, listOptions, showList } from '../../pages.ts';
import { Incident, pageOf } from '../../rows.ts';
import { moment, toneOf } from '../../words.ts';

export const listIncidents = command({
	name: 'incidents list',
	summary: 'incidents, the newest first',
	operands: [],
	options: {
		project: text('PROJECT', 'of one project'),
		active: flag('those that are not resolved yet'),
		status: one('STATUS', IncidentStatus, 'in this status'),
		severity: one('SEVERITY', Severity, 'of this severity'),
		...listOptions,
	},
	run: async ({ values }, { out, hub }) => {
		const { api } = await hub();
		const { status, severity, project } = values;
		const active = values.active ? true : undefined;
		const within = project === undefined ? null : await findProject(api, project);
		const page = await listed(values, (query) =>
			api.get('/incidents', pageOf(Incident), {
				query: { ...query, status, severity, active, project_id: within?.id },
			}),
		);
		const names = await projectNames(api, out.json ? [] : page.items, within);
		showList(out, page, [
			{ head: 'ID', cell: ({ id }) => id, right: true },
			{ head: 'TITLE', cell: ({ title }) => title, fit: true },
			{ head: 'SEVERITY', cell: ({ severity }) => severity, tone: ({ severity }) => toneOf(severity) },
			{ head: 'STATUS', cell: ({ status }) => status, tone: ({ status }) => toneOf(status) },
			{ head: 'DETECTED', cell: ({ detected_at }) => moment(detected_at) },
			{ head: 'PROJECT', cell: ({ project_id }) => names.get(project_id) ?? project_id },
		]);
		return undefined;
	},
});
