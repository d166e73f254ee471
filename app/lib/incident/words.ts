import type { ChangeReason } from '#domain/incident-change.ts';
import type { EntryRef } from '#domain/incident-entry.ts';
import type { JobRole, LinkKind } from '#domain/incident-link.ts';
import type { IncidentRole, IncidentStatus, IncidentStep, Severity } from '#domain/incident.ts';
import type { ActionState, PostMortemStatus, SectionName, VersionReason } from '#domain/postmortem.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

/** The words for what an incident is made of. Apart from the others: the first page needs none of them. */

export const severity: Words<Severity> = {
	low: m.severity_low,
	medium: m.severity_medium,
	high: m.severity_high,
	critical: m.severity_critical,
};

export const incidentStatus: Words<IncidentStatus> = {
	open: m.incident_open,
	mitigated: m.incident_mitigated,
	resolved: m.incident_resolved,
	closed: m.incident_closed,
};

export const incidentStep: Words<IncidentStep> = {
	acknowledge: m.incident_acknowledge,
	mitigate: m.incident_mitigate,
	resolve: m.incident_resolve,
	close: m.incident_close,
	reopen: m.incident_reopen,
};

export const incidentRole: Words<IncidentRole> = {
	commander: m.incident_commander,
	scribe: m.incident_scribe,
	comms: m.incident_comms,
};

export const jobRole: Words<JobRole> = {
	introduced: m.link_introduced,
	mitigation: m.link_mitigation,
	rollback: m.link_rollback,
	related: m.link_related,
};

export const linkKind: Words<LinkKind> = { job: m.a_job, run: m.a_run, event: m.entry_edit };

export const changeReason: Words<ChangeReason> = {
	linked: m.change_linked,
	same_environment: m.change_same_environment,
	just_before: m.change_just_before,
	failed: m.change_failed,
};

export const postMortemStatus: Words<PostMortemStatus> = {
	draft: m.postmortem_draft,
	review: m.postmortem_review,
	published: m.postmortem_published,
};

export const sectionName: Words<SectionName> = {
	summary: m.section_summary,
	impact: m.section_impact,
	root_cause: m.section_root_cause,
	timeline: m.section_timeline,
	action_items: m.section_action_items,
};

export const versionReason: Words<VersionReason> = {
	edit: m.version_edit,
	created: m.version_created,
	submit: m.version_submit,
	publish: m.version_publish,
	withdraw: m.version_withdraw,
};

export const actionState: Words<ActionState> = {
	open: m.action_open,
	in_progress: m.action_in_progress,
	done: m.action_done,
	dropped: m.action_dropped,
};

const steps: Words<'open' | IncidentStep> = {
	open: m.told_open,
	acknowledge: m.told_acknowledge,
	mitigate: m.told_mitigate,
	resolve: m.told_resolve,
	close: m.told_close,
	reopen: m.told_reopen,
};

/** What the hub wrote into a timeline, as a sentence. `name` says what a person is called. */
export function told(ref: EntryRef, name: (id: number | null) => string): string {
	switch (ref.type) {
		case 'status':
			return steps[ref.step]();
		case 'severity':
			return m.told_severity({ from: severity[ref.from](), to: severity[ref.to]() });
		case 'role':
			if (ref.to === null) return m.told_role_nobody({ role: incidentRole[ref.role]() });
			return m.told_role({ role: incidentRole[ref.role](), name: name(ref.to) });
		case 'postmortem':
			return m.told_postmortem({ status: postMortemStatus[ref.status]() });
		case 'link': {
			const what = { kind: linkKind[ref.kind](), title: ref.title };
			return { added: m.told_linked, changed: m.told_link_changed, removed: m.told_unlinked }[ref.act](what);
		}
	}
}
