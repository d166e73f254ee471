import { command } from '../../command.ts';
import { idOf } from '../../find.ts';
import { Run } from '../../rows.ts';

export const cancelRun = command({
	name: 'runs cancel',
	summary: 'ask for a run to be stopped',
	operands: ['RUN'],
	options: {},
	run: async ({ of }, { out, hub }) => {
		const { api } = await hub();
		const run = await api.post(`/runs/${String(idOf('RUN', of.RUN))}/cancel`, {}, Run);
		const id = String(run.id);
		out.show(run, () =>
			run.status === 'canceled'
				? `Run ${id} is canceled.`
				: `Run ${id} is being canceled. See it end: uhub follow ${id}`,
		);
		return undefined;
	},
});
