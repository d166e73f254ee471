import { RunStatus } from '#domain/run.ts';
import { one, text } from '../../args.ts';
import { command } from '../../command.ts';
import { findJob, findProject } from '../../find.ts';
import { listed, listOptions, showList } from '../../pages.ts';
import { RunItem, pageOf } from '../../rows.ts';
import { moment, span, toneOf } from '../../words.ts';

export const listRuns = command({
	name: 'runs list',
	summary: 'runs, the newest first',
	operands: [],
	options: {
		project: text('PROJECT', 'of one project'),
		job: text('JOB', 'of one job'),
		status: one('STATUS', RunStatus, 'in this status'),
		...listOptions,
	},
	run: async ({ values }, { out, hub }) => {
		const { api } = await hub();
		const { status, project, job } = values;
		const project_id = project === undefined ? null : (await findProject(api, project)).id;
		const job_id = job === undefined ? null : (await findJob(api, job, project)).id;
		const page = await listed(values, (query) =>
			api.get('/runs', pageOf(RunItem), { query: { ...query, status, project_id, job_id } }),
		);
		showList(out, page, [
			{ head: 'ID', cell: ({ id }) => id, right: true },
			{ head: 'JOB', cell: ({ job_title }) => job_title, fit: true },
			{ head: 'STATUS', cell: ({ status }) => status, tone: ({ status }) => toneOf(status) },
			{ head: 'REQUESTED', cell: ({ requested_at }) => moment(requested_at) },
			{ head: 'TOOK', cell: ({ duration }) => span(duration), right: true },
			{ head: 'WHY', cell: ({ reason }) => reason?.code ?? null },
		]);
		return undefined;
	},
});
