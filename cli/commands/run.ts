import { z } from 'zod';
import { flag, many, text } from '../args.ts';
import { command } from '../command.ts';
import { usage } from '../failure.ts';
import { findEnvironment, findJob } from '../find.ts';
import { pairs } from '../pages.ts';
import { Run } from '../rows.ts';
import { untilEnd, waitOptions } from '../until-end.ts';

export const run = command({
	name: 'run',
	summary: 'run a job, by its title or id',
	operands: ['JOB'],
	options: {
		follow: flag('show its log as it is written; the exit code is its outcome', 'f'),
		wait: flag('wait for its end; the exit code is its outcome'),
		param: many('NAME=VALUE', z.string(), 'a parameter, which the script finds in UHUB_PARAM_NAME'),
		env: text('ENVIRONMENT', 'where to run it'),
		reason: text('TEXT', 'why it is run'),
		check: flag('only say what would change (scripts of ansible)'),
		'break-freeze': text('TEXT', 'why it must start although a freeze is on'),
		project: text('PROJECT', 'where to look for the title'),
		...waitOptions,
	},
	run: async ({ of, values }, tools) => {
		const { follow, wait, reason, raw, env, check, 'break-freeze': break_freeze } = values;
		if (raw && !follow) throw usage('--raw is for the log: it needs --follow.');
		if (values['cancel-on-interrupt'] && !follow && !wait)
			throw usage('--cancel-on-interrupt is for who waits: it needs --follow or --wait.');
		const parameters = pairs('--param', values.param);
		const hub = await tools.hub();
		const job = await findJob(hub.api, of.JOB, values.project);
		const environment = env === undefined ? null : await findEnvironment(hub.api, job.project_id, env);
		const run = await hub.api.post(
			`/jobs/${String(job.id)}/runs`,
			{
				parameters,
				...(environment && { environment_id: environment.id }),
				...(reason !== undefined && { reason }),
				...(check && { check }),
				...(break_freeze !== undefined && { break_freeze }),
			},
			Run,
		);
		const id = String(run.id);
		if (follow || wait) {
			if (!tools.out.json) tools.out.note(`Run ${id} is queued.`);
			return untilEnd(hub, run.id, { follow, raw, cancelOnInterrupt: values['cancel-on-interrupt'] }, tools);
		}
		tools.out.show(run, () => `Run ${id} is queued. Follow it: uhub follow ${id}`);
		return undefined;
	},
});
