import { Severity } from '#domain/incident.ts';
import { one, text } from '../../args.ts';
import { command } from '../../command.ts';
import { usage } from '../../failure.ts';
import { findEnvironment, findProject } from '../../find.ts';
import { incidentDetails } from '../../incident-details.ts';
import { Incident } from '../../rows.ts';

export const openIncident = command({
	name: 'incidents open',
	summary: 'open an incident',
	operands: ['TITLE'],
	options: {
		project: text('PROJECT', 'where it is'),
		severity: one('SEVERITY', Severity, 'how bad it is (default medium)'),
		env: text('ENVIRONMENT', 'in which environment'),
		description: text('TEXT', 'what is known of it'),
	},
	run: async ({ of, values }, { out, hub }) => {
		const { project, severity, env, description } = values;
		if (project === undefined) throw usage('--project is missing.');
		const { api } = await hub();
		const { id } = await findProject(api, project);
		const environment = env === undefined ? null : await findEnvironment(api, id, env);
		const incident = await api.post(
			`/projects/${String(id)}/incidents`,
			{
				title: of.TITLE,
				environment_id: environment?.id ?? null,
				...(severity !== undefined && { severity }),
				...(description !== undefined && { description }),
			},
			Incident,
		);
		out.show(incident, (style) => incidentDetails(incident, style));
		return undefined;
	},
});
