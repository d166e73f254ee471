import type { Style } from './output.ts';
import type { Job, Recurrence } from './rows.ts';
import { details } from './table.ts';
import { moment, toneOf } from './words.ts';

const planned = ({ planned_start, planned_end }: Job): string | null =>
	planned_start && [planned_start, planned_end].map(moment).filter(Boolean).join(' to ');

const recurs = (recurrence: Recurrence | null): string | null =>
	recurrence &&
	[
		`${recurrence.rrule} (${recurrence.time_zone})`,
		...(recurrence.exdates.length > 0 ? [`but not on ${recurrence.exdates.join(', ')}`] : []),
	].join('\n');

/** One job, as it is made and as it is read. */
export const jobDetails = (job: Job, style: Style): string =>
	details(
		[
			['id', job.id],
			['title', job.title, 'strong'],
			['status', job.status, toneOf(job.status)],
			['type', job.job_type],
			['priority', job.priority],
			['project', job.project_id],
			['environment', job.environment_id],
			['planned', planned(job)],
			['comes again', recurs(job.recurrence)],
			['starts', job.auto_start ? 'by itself' : null],
			['scripts', job.script_ids.join(', ')],
			[
				'agents with',
				Object.entries(job.labels)
					.map(([key, value]) => `${key}=${value}`)
					.join(', '),
			],
			['tags', job.tags.join(', ')],
			['at most', `${String(job.timeout_s)} s`],
			['about', job.description],
		],
		style,
	);
