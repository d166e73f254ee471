import { command } from '../../command.ts';
import { idOf } from '../../find.ts';
import { incidentDetails } from '../../incident-details.ts';
import { Incident } from '../../rows.ts';

export const showIncident = command({
	name: 'incidents show',
	summary: 'one incident',
	operands: ['INCIDENT'],
	options: {},
	run: async ({ of }, { out, hub }) => {
		const { api } = await hub();
		const incident = await api.get(`/incidents/${String(idOf('INCIDENT', of.INCIDENT))}`, Incident);
		out.show(incident, (style) => incidentDetails(incident, style));
		return undefined;
	},
});
