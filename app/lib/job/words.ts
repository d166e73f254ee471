import type { EnvironmentType } from '#domain/environment.ts';
import type { JobStatus, JobType } from '#domain/job.ts';
import type { Priority } from '#domain/priority.ts';
import type { Tool } from '#domain/tool.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

/** The words for what a job is made of. Apart from the others: the first page needs none of them. */

export const jobStatus: Words<JobStatus> = {
	draft: m.job_draft,
	planned: m.job_planned,
	running: m.run_running,
	success: m.run_success,
	failed: m.run_failed,
	canceled: m.run_canceled,
};

export const jobType: Words<JobType> = {
	dev: m.type_dev,
	ops: m.type_ops,
	maintenance: m.type_maintenance,
	meeting: m.type_meeting,
	infra: m.type_infra,
};

export const priority: Words<Priority> = {
	low: m.priority_low,
	normal: m.priority_normal,
	high: m.priority_high,
	critical: m.priority_critical,
};

export const environmentType: Words<EnvironmentType> = {
	dev: m.env_dev,
	test: m.env_test,
	staging: m.env_staging,
	prod: m.env_prod,
	other: m.env_other,
};

export const tool: Words<Tool> = {
	shell: m.tool_shell,
	ansible: m.tool_ansible,
	terraform: m.tool_terraform,
	custom: m.tool_custom,
};
