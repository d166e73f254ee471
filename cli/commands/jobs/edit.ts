import { z } from 'zod';
import { Priority } from '#domain/priority.ts';
import { flag, many, one, text, whole } from '../../args.ts';
import { command } from '../../command.ts';
import { usage } from '../../failure.ts';
import { findEnvironment, findJob } from '../../find.ts';
import { jobDetails } from '../../job-details.ts';
import { planOf, planOptions } from '../../job-plan.ts';
import { Job } from '../../rows.ts';

export const editJob = command({
	name: 'jobs edit',
	summary: 'change a job, found by its title or id; what is not said stays as it is',
	operands: ['JOB'],
	options: {
		project: text('PROJECT', 'where to look for the title'),
		title: text('TITLE', 'what it is called from now on'),
		env: text('ENVIRONMENT', 'where it runs unless a run says otherwise'),
		priority: one('PRIORITY', Priority, 'its place in the queue'),
		description: text('TEXT', 'what it is for'),
		tag: many('TAG', z.string(), 'a word to find it by, in the place of those it has'),
		timeout: whole('SECONDS', 1, 604_800, 'how long a run may take'),
		...planOptions,
		once: flag('it does not come again any more'),
	},
	run: async ({ of, values }, { out, hub }) => {
		const { title, env, priority, description, tag, timeout, once } = values;
		if (once && values.recurrence !== undefined) throw usage('--once or --recurrence: not both.');
		const { api } = await hub();
		const found = await findJob(api, of.JOB, values.project);
		const path = `/jobs/${String(found.id)}` as const;
		const before = await api.get(path, Job);
		const environment = env === undefined ? null : await findEnvironment(api, before.project_id, env);
		const change = {
			...(title !== undefined && { title }),
			...(environment && { environment_id: environment.id }),
			...(priority !== undefined && { priority }),
			...(description !== undefined && { description }),
			...(tag.length > 0 && { tags: tag }),
			...(timeout !== undefined && { timeout_s: timeout }),
			...planOf(values, before.recurrence),
			...(once && { recurrence: null }),
		};
		if (Object.keys(change).length === 0) throw usage('There is nothing to change: see uhub jobs edit --help.');
		const job = await api.patch(path, before.version, change, Job);
		out.show(job, (style) => jobDetails(job, style));
		return undefined;
	},
});
