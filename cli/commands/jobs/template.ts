import { text } from '../../args.ts';
import { command } from '../../command.ts';
import { findEnvironment, findJob } from '../../find.ts';
import { jsonText } from '../../output.ts';
import { JobTemplate } from '../../rows.ts';

export const jobTemplate = command({
	name: 'jobs template',
	summary: 'what is to be signed of a job, as JSON, for uhub-agent sign',
	operands: ['JOB'],
	options: {
		env: text('ENVIRONMENT', 'where it is to run'),
		project: text('PROJECT', 'where to look for the title'),
	},
	run: async ({ of, values }, { out, hub }) => {
		const { api } = await hub();
		const job = await findJob(api, of.JOB, values.project);
		const environment = values.env === undefined ? null : await findEnvironment(api, job.project_id, values.env);
		const query = { environment_id: environment?.id };
		const template = await api.get(`/jobs/${String(job.id)}/template`, JobTemplate, { query });
		out.show(template, () => jsonText(template, 2));
		return undefined;
	},
});
