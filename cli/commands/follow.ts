import { command } from '../command.ts';
import { idOf } from '../find.ts';
import { untilEnd, waitOptions } from '../until-end.ts';

export const follow = command({
	name: 'follow',
	summary: "a run's log, from its beginning to its end; the exit code is its outcome",
	operands: ['RUN'],
	options: waitOptions,
	run: async ({ of, values }, tools) => {
		const id = idOf('RUN', of.RUN);
		const how = { follow: true, raw: values.raw, cancelOnInterrupt: values['cancel-on-interrupt'] };
		return untilEnd(await tools.hub(), id, how, tools);
	},
});
