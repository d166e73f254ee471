import type { Access } from '#domain/access.ts';
import type { EventType } from '#domain/event-type.ts';
import type { RunPhase, RunStatus } from '#domain/run.ts';
import type { Reason, ReasonCode } from '#domain/run-reason.ts';
import type { Locale, Role, Theme } from '#domain/user.ts';
import { m } from '#lib/paraglide/messages.js';

/** The words for the domain's enumerations. Functions, so that they follow the language. */
export type Words<E extends string> = Record<E, () => string>;

export const runStatus: Words<RunStatus> = {
	queued: m.run_queued,
	running: m.run_running,
	success: m.run_success,
	failed: m.run_failed,
	canceled: m.run_canceled,
	lost: m.run_lost,
};

export const runPhase: Words<RunPhase> = {
	queued: m.run_queued,
	offered: m.phase_offered,
	accepted: m.phase_accepted,
	granted: m.phase_granted,
	running: m.run_running,
	disconnected: m.phase_disconnected,
	canceling: m.phase_canceling,
	finalizing: m.phase_finalizing,
	done: m.phase_done,
};

const reasons: Words<ReasonCode> = {
	exit_code: m.reason_exit_code,
	signal: m.reason_signal,
	timeout: m.reason_timeout,
	canceled_by_user: m.reason_canceled_by_user,
	start_failed: m.reason_start_failed,
	script_missing: m.reason_script_missing,
	refused_by_policy: m.reason_refused_by_policy,
	bad_request: m.reason_bad_request,
	secret_unavailable: m.reason_secret_unavailable,
	agent_lost: m.reason_agent_lost,
	agent_stopped: m.reason_agent_stopped,
	agent_revoked: m.reason_agent_revoked,
	log_damaged: m.reason_log_damaged,
	log_incomplete: m.reason_log_incomplete,
	archived: m.reason_archived,
	no_agent: m.reason_no_agent,
	agents_busy: m.reason_agents_busy,
	behind_others: m.reason_behind_others,
	project_paused: m.reason_project_paused,
	frozen: m.reason_frozen,
	agents_draining: m.reason_agents_draining,
	same_key: m.reason_same_key,
	later: m.reason_later,
	needs_approval: m.reason_needs_approval,
	rejected: m.reason_rejected,
	approval_expired: m.reason_approval_expired,
	approval_stale: m.reason_approval_stale,
	request_changed: m.reason_request_changed,
	missed: m.reason_missed,
	waited_too_long: m.reason_waited_too_long,
	not_allowed: m.reason_not_allowed,
	unsigned: m.reason_unsigned,
	bad_signature: m.reason_bad_signature,
	signature_expired: m.reason_signature_expired,
	replayed: m.reason_replayed,
	engine_unavailable: m.reason_engine_unavailable,
	image_missing: m.reason_image_missing,
	pull_failed: m.reason_pull_failed,
	host_unreachable: m.reason_host_unreachable,
	connection_refused: m.reason_connection_refused,
	host_key_unknown: m.reason_host_key_unknown,
	host_key_changed: m.reason_host_key_changed,
	permission_denied: m.reason_permission_denied,
	hosts_failed: m.reason_hosts_failed,
	cluster_unavailable: m.reason_cluster_unavailable,
	cluster_refused: m.reason_cluster_refused,
	pod_failed: m.reason_pod_failed,
	git_failed: m.reason_git_failed,
	inventory_missing: m.reason_inventory_missing,
	plan_missing: m.reason_plan_missing,
	plan_stale: m.reason_plan_stale,
	http_status: m.reason_http_status,
	http_unreachable: m.reason_http_unreachable,
	reported: m.reason_reported,
	answer_lost: m.reason_answer_lost,
	http_refused: m.reason_http_refused,
};
export const reasonName = (code: ReasonCode): string => reasons[code]();
export const reason = (r: Reason): string => reasonName(r.code);

export const eventType: Words<EventType> = {
	job: m.event_job,
	meeting: m.type_meeting,
	maintenance: m.type_maintenance,
	incident: m.event_incident,
	other: m.event_other,
};

export const role: Words<Role> = {
	admin: m.role_admin,
	projets: m.role_projets,
	dev: m.role_dev,
	ops: m.role_ops,
};

export const access: Words<Access> = {
	read: m.access_read,
	contribute: m.access_contribute,
	operate: m.access_operate,
	manage: m.access_manage,
};

export const theme: Words<Theme> = {
	dark: m.theme_dark,
	light: m.theme_light,
	contrast: m.theme_contrast,
	terminal: m.theme_terminal,
};

/** Each language by its own name. */
export const localeName: Record<Locale, string> = { en: 'English', fr: 'Français' };
