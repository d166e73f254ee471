import { JobStatus, JobType } from '#domain/job.ts';
import { Priority } from '#domain/priority.ts';
import { one, text } from '../../args.ts';
import { command } from '../../command.ts';
import { findProject, projectNames } from '../../find.ts';
import { listed, listOptions, showList } from '../../pages.ts';
import { JobItem, pageOf } from '../../rows.ts';
import { moment, toneOf } from '../../words.ts';

export const listJobs = command({
	name: 'jobs list',
	summary: 'jobs, the newest first',
	operands: [],
	options: {
		project: text('PROJECT', 'of one project'),
		status: one('STATUS', JobStatus, 'in this status'),
		type: one('TYPE', JobType, 'of this type'),
		priority: one('PRIORITY', Priority, 'of this priority'),
		...listOptions,
	},
	run: async ({ values }, { out, hub }) => {
		const { api } = await hub();
		const { status, priority, type: job_type, project } = values;
		const within = project === undefined ? null : await findProject(api, project);
		const page = await listed(values, (wanted) => {
			const query = { ...wanted, status, job_type, priority };
			return within === null
				? api.get('/jobs', pageOf(JobItem), { query })
				: api.get(`/projects/${String(within.id)}/jobs`, pageOf(JobItem), { query });
		});
		const names = await projectNames(api, out.json ? [] : page.items, within);
		showList(out, page, [
			{ head: 'ID', cell: ({ id }) => id, right: true },
			{ head: 'TITLE', cell: ({ title }) => title, fit: true },
			{ head: 'TYPE', cell: ({ job_type }) => job_type },
			{ head: 'STATUS', cell: ({ status }) => status, tone: ({ status }) => toneOf(status) },
			{ head: 'PRIORITY', cell: ({ priority }) => priority },
			{ head: 'PLANNED', cell: ({ planned_start }) => moment(planned_start) },
			{ head: 'PROJECT', cell: ({ project_id }) => names.get(project_id) ?? project_id },
		]);
		return undefined;
	},
});
