import type { ChangeReason } from '#domain/incident-change.ts';
import type { EntryRef } from '#domain/incident-entry.ts';
import type { JobRole, LinkKind } from '#domain/incident-link.ts';
import type { IncidentRole, IncidentStep } from '#domain/incident.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';
import { postMortemStatus } from '#lib/postmortem/words.ts';
import { severity } from './words.ts';

/** The words for what happens in an incident. Apart from those of its row, which the first page shows. */

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
		case 'alert':
			return (ref.status === 'firing' ? m.told_alert_firing : m.told_alert_resolved)({ title: ref.title });
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
