import { z } from 'zod';
import { GitRevision, GitUrl, HttpsUrl } from './address.ts';
import { editable, Id, Name, Time } from './common.ts';
import { HubSecretRef } from './hub-secret.ts';
import { SecretRef } from './secret-ref.ts';

export const GitProvider = z.enum(['github', 'gitlab', 'gitea', 'other']);
export type GitProvider = z.infer<typeof GitProvider>;

/** A repository of a project. What opens it is named here, and never kept here. */
export const GitRepo = z.object({
	id: Id,
	project_id: Id,
	provider: GitProvider,
	name: z.string(),
	url: z.string(),
	default_branch: z.string(),
	/** Where its credentials are; null for a repository anyone may read. */
	credentials_ref: z.string().nullable(),
	webhook_secret_ref: z.string().nullable(),
	last_synced_at: Time.nullable(),
	...editable,
});
export type GitRepo = z.infer<typeof GitRepo>;

const repo = {
	provider: GitProvider,
	name: Name(120),
	url: GitUrl,
	default_branch: GitRevision,
	credentials_ref: SecretRef.nullable(),
	/** A key of the hub's own is what the hub checks by itself; another reference says where people keep theirs. */
	webhook_secret_ref: z
		.union([HubSecretRef, SecretRef], 'expected hub:NAME, or a reference such as vault:kv2/path#field')
		.nullable(),
};

export const GitRepoCreate = z.strictObject({
	...repo,
	default_branch: repo.default_branch.default('main'),
	credentials_ref: repo.credentials_ref.default(null),
	webhook_secret_ref: repo.webhook_secret_ref.default(null),
});
export type GitRepoCreate = z.infer<typeof GitRepoCreate>;

export const GitRepoPatch = z.strictObject(repo).partial();
export type GitRepoPatch = z.infer<typeof GitRepoPatch>;

export const ChangeType = z.enum(['commit', 'merge_request', 'pull_request']);
export type ChangeType = z.infer<typeof ChangeType>;

/** What is thought of a change that an incident is linked to. */
export const Verdict = z.enum(['suspect', 'culprit', 'cleared']);
export type Verdict = z.infer<typeof Verdict>;

/** A commit, or a request to merge, the job it came with and the incident it is looked at for. */
export const GitChange = z.object({
	id: Id,
	project_id: Id,
	repo_id: Id,
	job_id: Id.nullable(),
	incident_id: Id.nullable(),
	/** Of a change with an incident only. */
	verdict: Verdict.nullable(),
	change_type: ChangeType,
	/** The commit's hash, or the request's number. */
	external_id: z.string(),
	title: z.string().nullable(),
	url: z.string().nullable(),
	author: z.string().nullable(),
	branch: z.string().nullable(),
	committed_at: Time.nullable(),
	...editable,
});
export type GitChange = z.infer<typeof GitChange>;

const change = {
	job_id: Id.nullable(),
	incident_id: Id.nullable(),
	verdict: Verdict.nullable(),
	title: Name(300).nullable(),
	url: HttpsUrl.nullable(),
	author: Name(200).nullable(),
	branch: GitRevision.nullable(),
	committed_at: Time.nullable(),
};

export const GitChangeCreate = z.strictObject({
	change_type: ChangeType,
	external_id: z
		.string()
		.regex(/^[A-Za-z0-9#!][\w./#!-]{0,127}$/, 'expected the hash of a commit, or the number of a request'),
	job_id: change.job_id.default(null),
	incident_id: change.incident_id.default(null),
	verdict: change.verdict.default(null),
	title: change.title.default(null),
	url: change.url.default(null),
	author: change.author.default(null),
	branch: change.branch.default(null),
	committed_at: change.committed_at.default(null),
});
export type GitChangeCreate = z.infer<typeof GitChangeCreate>;

/** What it is of never changes; what is told of it, and the job it belongs to, may. */
export const GitChangePatch = z.strictObject(change).partial();
export type GitChangePatch = z.infer<typeof GitChangePatch>;
