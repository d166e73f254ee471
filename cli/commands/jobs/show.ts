import { text } from '../../args.ts';
import { command } from '../../command.ts';
import { findJob } from '../../find.ts';
import { jobDetails } from '../../job-details.ts';
import { Job } from '../../rows.ts';

export const showJob = command({
	name: 'jobs show',
	summary: 'one job, by its title or id',
	operands: ['JOB'],
	options: { project: text('PROJECT', 'where to look for the title') },
	run: async ({ of, values }, { out, hub }) => {
		const { api } = await hub();
		const { id } = await findJob(api, of.JOB, values.project);
		const job = await api.get(`/jobs/${String(id)}`, Job);
		out.show(job, (style) => jobDetails(job, style));
		return undefined;
	},
});
