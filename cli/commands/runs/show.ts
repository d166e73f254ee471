import { command } from '../../command.ts';
import { idOf } from '../../find.ts';
import { Run } from '../../rows.ts';
import { runDetails } from '../../run-details.ts';

export const showRun = command({
	name: 'runs show',
	summary: 'one run',
	operands: ['RUN'],
	options: {},
	run: async ({ of }, { out, hub }) => {
		const { api } = await hub();
		const run = await api.get(`/runs/${String(idOf('RUN', of.RUN))}`, Run);
		out.show(run, (style) => runDetails(run, style));
		return undefined;
	},
});
