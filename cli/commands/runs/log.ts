import { LogStream } from '#domain/log.ts';
import { flag, one } from '../../args.ts';
import { command } from '../../command.ts';
import { usage } from '../../failure.ts';
import { idOf } from '../../find.ts';
import { SgrOnly } from '../../sgr-only.ts';
import { written } from '../../written.ts';

export const logOfRun = command({
	name: 'runs log',
	summary: "a run's log as far as it is written",
	operands: ['RUN'],
	options: {
		stream: one('STREAM', LogStream, 'stdout or stderr alone'),
		raw: flag('the bytes as they are; not onto a terminal'),
	},
	run: async ({ of, values }, { env, out, hub, stdout }) => {
		if (out.json) throw usage('A log is no JSON; lines of it with their times: uhub follow RUN --json');
		if (values.raw && stdout.isTTY)
			throw usage('--raw is for a file or a pipe: escapes in a log could take a terminal over.');
		const { api } = await hub();
		const { stream } = values;
		const { body } = await api.stream(`/runs/${String(idOf('RUN', of.RUN))}/log`, { query: { stream } });
		const filter = new SgrOnly(!env['NO_COLOR']);
		for await (const part of body ?? []) await written(stdout, values.raw ? part : filter.push(part));
		await written(stdout, filter.end());
		return undefined;
	},
});
