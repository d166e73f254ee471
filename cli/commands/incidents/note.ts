import { flag } from '../../args.ts';
import { readAll } from '../../ask.ts';
import { command } from '../../command.ts';
import { idOf } from '../../find.ts';
import { Entry } from '../../rows.ts';
import { details } from '../../table.ts';
import { moment } from '../../words.ts';

export const noteOnIncident = command({
	name: 'incidents note',
	summary: 'write into the timeline ("-": from standard input)',
	operands: ['INCIDENT', 'TEXT'],
	options: { pin: flag('pin it') },
	run: async ({ of, values }, { out, hub, stdin }) => {
		const id = idOf('INCIDENT', of.INCIDENT);
		const body = of.TEXT === '-' ? await readAll(stdin) : of.TEXT;
		const { api } = await hub();
		const entry = await api.post(`/incidents/${String(id)}/entries`, { body, pinned: values.pin }, Entry);
		out.show(entry, (style) =>
			details(
				[
					['incident', entry.incident_id],
					['at', moment(entry.at)],
					['note', entry.body],
				],
				style,
			),
		);
		return undefined;
	},
});
