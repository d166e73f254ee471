import type { JobView } from '#domain/job.ts';
import { fromLocalInput, toLocalInput } from '#lib/i18n/format.ts';

/** A job as its form holds it: everything as text, the way fields give it. */
export interface JobDraft {
	title: string;
	description: string;
	job_type: JobView['job_type'];
	environment_id: string;
	priority: JobView['priority'];
	owner_id: string;
	planned_start: string;
	planned_end: string;
	tags: string;
	labels: string;
	minutes: number;
	script_ids: number[];
}

export function draftOf(job: JobView): JobDraft {
	return {
		title: job.title,
		description: job.description ?? '',
		job_type: job.job_type,
		environment_id: job.environment_id === null ? '' : String(job.environment_id),
		priority: job.priority,
		owner_id: String(job.owner_id),
		planned_start: toLocalInput(job.planned_start),
		planned_end: toLocalInput(job.planned_end),
		tags: job.tags.join(', '),
		labels: Object.entries(job.labels)
			.map(([key, value]) => `${key}=${value}`)
			.join(', '),
		minutes: job.timeout_s / 60,
		script_ids: [...job.script_ids],
	};
}

export const emptyDraft = (owner_id: number): JobDraft => ({
	title: '',
	description: '',
	job_type: 'dev',
	environment_id: '',
	priority: 'normal',
	owner_id: String(owner_id),
	planned_start: '',
	planned_end: '',
	tags: '',
	labels: '',
	minutes: 60,
	script_ids: [],
});

const parts = (text: string) =>
	text
		.split(',')
		.map((s) => s.trim())
		.filter(Boolean);

/** The draft as the API takes it. */
export function valueOf(draft: JobDraft) {
	return {
		title: draft.title,
		description: draft.description.trim() === '' ? null : draft.description,
		job_type: draft.job_type,
		environment_id: draft.environment_id === '' ? null : Number(draft.environment_id),
		priority: draft.priority,
		owner_id: Number(draft.owner_id),
		planned_start: fromLocalInput(draft.planned_start),
		planned_end: fromLocalInput(draft.planned_end),
		tags: parts(draft.tags),
		labels: Object.fromEntries(
			parts(draft.labels).map((part) => {
				const at = part.indexOf('=');
				return at === -1 ? [part, ''] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
			}),
		),
		timeout_s: Math.round(draft.minutes * 60),
		script_ids: draft.job_type === 'meeting' ? [] : draft.script_ids,
	};
}
