import type { ActionState, PostMortemStatus, SectionName, VersionReason } from '#domain/postmortem.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

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
