import { z } from 'zod';
import { GitRevision, HttpsUrl } from './address.ts';
import { nameOf, orNull, text, timeOf } from './foreign.ts';
import { GitChangeCreate, GitProvider } from './repo.ts';

// What the providers of repositories say happened, read for the changes in it. Everything in it is somebody else's: what is not as it
// should be is left out, never refused.

export const HookProvider = GitProvider.exclude(['other']);
export type HookProvider = z.infer<typeof HookProvider>;

/** What a delivery was worth. */
export const HookTaken = z.object({
	/** Changes that are new, or are told anew. */
	taken: z.int().min(0),
	/** It was here before, or tells of nothing that is kept. */
	ignored: z.boolean(),
});
export type HookTaken = z.infer<typeof HookTaken>;

type Told = Pick<
	GitChangeCreate,
	'change_type' | 'external_id' | 'title' | 'url' | 'author' | 'branch' | 'committed_at'
>;

export interface HookEvent {
	changes: Told[];
	/** When it happened, as the provider says; null where it does not say. */
	at: string | null;
}

/** Of a push with more, the latest. */
const COMMITS_MAX = 200;

const object = <S extends z.ZodRawShape>(shape: S) => z.object(shape).partial().nullish().catch(null);

const Commit = z.object({
	id: z.string(),
	message: text,
	timestamp: text,
	url: text,
	author: object({ name: text, username: text }),
});
const Push = z.object({
	ref: text,
	commits: z.array(z.unknown()).catch([]),
	repository: object({ pushed_at: z.number().nullish().catch(null), updated_at: text }),
});
/** GitHub and Gitea. */
const PullRequest = z.object({
	number: z.int(),
	pull_request: z.object({
		html_url: text,
		title: text,
		updated_at: text,
		user: object({ login: text }),
		head: object({ ref: text }),
	}),
});
/** GitLab. */
const MergeRequest = z.object({
	user: object({ name: text, username: text }),
	object_attributes: z.object({ iid: z.int(), url: text, title: text, updated_at: text, source_branch: text }),
});

function ofPush(body: unknown): HookEvent | null {
	const push = Push.safeParse(body).data;
	const branch = /^refs\/heads\/(.+)$/.exec(push?.ref ?? '')?.[1];
	if (!push || branch === undefined) return null;
	const { pushed_at, updated_at } = push.repository ?? {};
	return {
		at: pushed_at ? timeOf(new Date(pushed_at * 1000).toISOString()) : timeOf(updated_at),
		changes: push.commits.slice(-COMMITS_MAX).flatMap((one): Told[] => {
			const commit = Commit.safeParse(one).data;
			const external_id = orNull(GitChangeCreate.shape.external_id, commit?.id);
			if (!commit || external_id === null) return [];
			return [
				{
					change_type: 'commit',
					external_id,
					title: nameOf(commit.message, 300),
					url: orNull(HttpsUrl, commit.url),
					author: nameOf(commit.author?.name ?? commit.author?.username, 200),
					branch: orNull(GitRevision, branch),
					committed_at: timeOf(commit.timestamp),
				},
			];
		}),
	};
}

function ofPullRequest(body: unknown): HookEvent | null {
	const read = PullRequest.safeParse(body).data;
	if (!read) return null;
	const { html_url, title, updated_at, user, head } = read.pull_request;
	const at = timeOf(updated_at);
	return {
		at,
		changes: [
			{
				change_type: 'pull_request',
				external_id: String(read.number),
				title: nameOf(title, 300),
				url: orNull(HttpsUrl, html_url),
				author: nameOf(user?.login, 200),
				branch: orNull(GitRevision, head?.ref),
				committed_at: at,
			},
		],
	};
}

function ofMergeRequest(body: unknown): HookEvent | null {
	const read = MergeRequest.safeParse(body).data;
	if (!read) return null;
	const { iid, url, title, updated_at, source_branch } = read.object_attributes;
	const at = timeOf(updated_at);
	return {
		at,
		changes: [
			{
				change_type: 'merge_request',
				external_id: String(iid),
				title: nameOf(title, 300),
				url: orNull(HttpsUrl, url),
				author: nameOf(read.user?.name ?? read.user?.username, 200),
				branch: orNull(GitRevision, source_branch),
				committed_at: at,
			},
		],
	};
}

/** By the provider and what it calls the event; what is not here tells of nothing that is kept. */
const readers: Record<HookProvider, Record<string, (body: unknown) => HookEvent | null>> = {
	github: { push: ofPush, pull_request: ofPullRequest },
	gitea: { push: ofPush, pull_request: ofPullRequest },
	gitlab: { 'Push Hook': ofPush, 'Merge Request Hook': ofMergeRequest },
};

/** The headers in which each says what happened, and proves that it was it. */
export const hookHeaders: Record<HookProvider, { event: string; proof: string }> = {
	github: { event: 'x-github-event', proof: 'x-hub-signature-256' },
	gitea: { event: 'x-gitea-event', proof: 'x-gitea-signature' },
	gitlab: { event: 'x-gitlab-event', proof: 'x-gitlab-token' },
};

export function readHook(provider: HookProvider, event: string, body: unknown): HookEvent | null {
	const reader = Object.hasOwn(readers[provider], event) ? readers[provider][event] : undefined;
	return reader?.(body) ?? null;
}
