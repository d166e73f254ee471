import { text } from '../../args.ts';
import { command } from '../../command.ts';
import { usage } from '../../failure.ts';
import { idOf } from '../../find.ts';
import { incidentDetails } from '../../incident-details.ts';
import { Incident } from '../../rows.ts';

const summaries = {
	acknowledge: 'say that you have seen it',
	mitigate: 'the harm is stopped',
	resolve: 'the cause is gone',
	close: 'nothing is left to do',
} as const;

type Step = keyof typeof summaries;

/** The steps of an incident's life that differ in their name alone. */
const stepOf = (step: Step) =>
	command({
		name: `incidents ${step}`,
		summary: summaries[step],
		operands: ['INCIDENT'],
		options: { note: text('TEXT', 'a word for the timeline') },
		run: async ({ of, values }, { out, hub }) => {
			const { api } = await hub();
			const { note } = values;
			const at = `/incidents/${String(idOf('INCIDENT', of.INCIDENT))}/${step}` as const;
			const incident = await api.post(at, note === undefined ? {} : { note }, Incident);
			out.show(incident, (style) => incidentDetails(incident, style));
			return undefined;
		},
	});

export const [acknowledgeIncident, mitigateIncident, resolveIncident, closeIncident] = [
	stepOf('acknowledge'),
	stepOf('mitigate'),
	stepOf('resolve'),
	stepOf('close'),
];

export const reopenIncident = command({
	name: 'incidents reopen',
	summary: 'it is not over after all',
	operands: ['INCIDENT'],
	options: { reason: text('TEXT', 'why') },
	run: async ({ of, values }, { out, hub }) => {
		const { reason } = values;
		if (reason === undefined) throw usage('--reason is missing.');
		const { api } = await hub();
		const at = `/incidents/${String(idOf('INCIDENT', of.INCIDENT))}/reopen` as const;
		const incident = await api.post(at, { reason }, Incident);
		out.show(incident, (style) => incidentDetails(incident, style));
		return undefined;
	},
});
