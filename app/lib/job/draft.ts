import { type JobView, START_WITHIN_S } from '#domain/job.ts';
import type { RetryOn } from '#domain/run-reason.ts';
import { type BackendDraft, draftOf as backendDraft, executionIn } from '#lib/backend/fields.ts';
import { fromLocalInput, toLocalInput } from '#lib/i18n/format.ts';
import { type RecurrenceDraft, recurrenceDraft, recurrenceIn } from '#lib/recurrence/draft.ts';
import { type ParameterDraft, parameterDraft, specIn } from './parameters/draft.ts';

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
	/** How many hours a run may wait for its start. */
	wait_hours: number;
	script_ids: number[];
	auto_start: boolean;
	recurrence: RecurrenceDraft;
	/** A job whose parameters are not described takes any. */
	parameters: ParameterDraft[];
	/** One a line. */
	arguments: string;
	concurrency_key: string;
	retry: { use: boolean; max: number; delay_s: number; on: RetryOn[] };
	backend: BackendDraft;
	targets: { inventory_id: string; limit: string; key_ref: string };
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
		wait_hours: job.start_within_s / 3600,
		script_ids: [...job.script_ids],
		auto_start: job.auto_start,
		recurrence: recurrenceDraft(job.recurrence),
		parameters: (job.parameters_schema ?? []).map(parameterDraft),
		arguments: job.arguments.join('\n'),
		concurrency_key: job.concurrency_key ?? '',
		retry: job.retry ? { use: true, ...job.retry } : noRetry(),
		backend: backendDraft(job),
		targets: {
			inventory_id: job.targets ? String(job.targets.inventory_id) : '',
			limit: job.targets?.limit ?? '',
			key_ref: job.targets?.key_ref ?? '',
		},
	};
}

const noRetry = (): JobDraft['retry'] => ({ use: false, max: 2, delay_s: 30, on: ['exit_code'] });

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
	wait_hours: START_WITHIN_S / 3600,
	script_ids: [],
	auto_start: false,
	recurrence: recurrenceDraft(null),
	parameters: [],
	arguments: '',
	concurrency_key: '',
	retry: noRetry(),
	backend: backendDraft({ execution_backend: null, execution_backend_config: null }),
	targets: { inventory_id: '', limit: '', key_ref: '' },
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
		start_within_s: Math.round(draft.wait_hours * 3600),
		script_ids: draft.job_type === 'meeting' ? [] : draft.script_ids,
		auto_start: draft.auto_start && draft.job_type !== 'meeting' && draft.planned_start !== '',
		recurrence: recurrenceIn(draft.recurrence, fromLocalInput(draft.planned_start)),
		parameters_schema: draft.parameters.length === 0 ? null : draft.parameters.map(specIn),
		arguments: draft.arguments === '' ? [] : draft.arguments.split('\n'),
		concurrency_key: draft.concurrency_key.trim() === '' ? null : draft.concurrency_key.trim(),
		retry: draft.retry.use ? retryOf(draft.retry) : null,
		...executionIn(draft.backend),
		targets: targetsOf(draft),
	};
}

function targetsOf({ job_type, targets: { inventory_id, limit, key_ref } }: JobDraft) {
	if (inventory_id === '' || job_type === 'meeting') return null;
	const said = (text: string) => (text.trim() === '' ? null : text.trim());
	return { inventory_id: Number(inventory_id), limit: said(limit), key_ref: said(key_ref) };
}

const retryOf = ({ max, delay_s, on }: JobDraft['retry']) => ({ max, delay_s, on: [...on] });
