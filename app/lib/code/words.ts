import type { ChangeType, GitProvider, Verdict } from '#domain/repo.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export const changeType: Words<ChangeType> = {
	commit: m.change_commit,
	merge_request: m.change_merge_request,
	pull_request: m.change_pull_request,
};

export const verdict: Words<Verdict> = {
	suspect: m.verdict_suspect,
	culprit: m.verdict_culprit,
	cleared: m.verdict_cleared,
};

/** Names are names in every language. */
export const provider: Words<GitProvider> = {
	github: () => 'GitHub',
	gitlab: () => 'GitLab',
	gitea: () => 'Gitea',
	other: m.repo_provider_other,
};
