import { z } from 'zod';
import { editable, Id, Name, Text, Time } from './common.ts';
import { Priority } from './priority.ts';

export const PostMortemStatus = z.enum(['draft', 'review', 'published']);
export type PostMortemStatus = z.infer<typeof PostMortemStatus>;

export const PostMortemStep = z.enum(['submit', 'publish', 'withdraw']);
export type PostMortemStep = z.infer<typeof PostMortemStep>;

/** From which status a step may be taken, and where it leads. Only what is no longer published can be edited. */
export const postMortemSteps: Record<PostMortemStep, { from: readonly PostMortemStatus[]; to: PostMortemStatus }> = {
	submit: { from: ['draft'], to: 'review' },
	publish: { from: ['review'], to: 'published' },
	withdraw: { from: ['review', 'published'], to: 'draft' },
};

/** The five columns, each Markdown, in the order they are read. */
export const sectionNames = ['summary', 'impact', 'root_cause', 'timeline', 'action_items'] as const;
export type SectionName = (typeof sectionNames)[number];

export const Sections = z.object({
	summary: z.string(),
	impact: z.string(),
	root_cause: z.string().nullable(),
	timeline: z.string(),
	action_items: z.string(),
});
export type Sections = z.infer<typeof Sections>;

export const PostMortem = z.object({
	id: Id,
	incident_id: Id,
	...Sections.shape,
	status: PostMortemStatus,
	published_at: Time.nullable(),
	created_by_id: Id,
	...editable,
});
export type PostMortem = z.infer<typeof PostMortem>;

const texts = { summary: true, impact: true, root_cause: true, timeline: true, action_items: true } as const;

/** What of it reaches open pages by itself: that it changed, without the texts. */
export const PostMortemHead = PostMortem.omit(texts);
export type PostMortemHead = z.infer<typeof PostMortemHead>;

// Five of them fit into one row of the platform, with a version beside it.
const section = Text(60_000);
const fields = {
	summary: section,
	impact: section,
	root_cause: section.nullable(),
	timeline: section,
	action_items: section,
};

export const PostMortemCreate = z.strictObject({
	summary: fields.summary.default(''),
	impact: fields.impact.default(''),
	root_cause: fields.root_cause.default(null),
	timeline: fields.timeline.default(''),
	action_items: fields.action_items.default(''),
});
export type PostMortemCreate = z.infer<typeof PostMortemCreate>;

export const PostMortemPatch = z.strictObject(fields).partial();
export type PostMortemPatch = z.infer<typeof PostMortemPatch>;

/** Why a version was kept. */
export const VersionReason = z.enum(['edit', 'created', 'submit', 'publish', 'withdraw']);
export type VersionReason = z.infer<typeof VersionReason>;

export const PostMortemVersion = z.object({
	id: Id,
	postmortem_id: Id,
	/** Counted from 1 within the post-mortem. */
	number: z.int().min(1),
	reason: VersionReason,
	status: PostMortemStatus,
	...Sections.shape,
	created_by_id: Id,
	created_at: Time,
});
export type PostMortemVersion = z.infer<typeof PostMortemVersion>;

export const PostMortemVersionItem = PostMortemVersion.omit(texts);
export type PostMortemVersionItem = z.infer<typeof PostMortemVersionItem>;

export const ActionState = z.enum(['open', 'in_progress', 'done', 'dropped']);
export type ActionState = z.infer<typeof ActionState>;

/** Something to be done so that it does not happen again. */
export const ActionItem = z.object({
	id: Id,
	postmortem_id: Id,
	title: z.string(),
	owner_id: Id.nullable(),
	due: Time.nullable(),
	priority: Priority,
	state: ActionState,
	...editable,
});
export type ActionItem = z.infer<typeof ActionItem>;

const action = {
	title: Name(200),
	owner_id: Id.nullable(),
	due: Time.nullable(),
	priority: Priority,
	state: ActionState,
};

export const ActionItemCreate = z.strictObject({
	...action,
	owner_id: action.owner_id.default(null),
	due: action.due.default(null),
	priority: action.priority.default('normal'),
	state: action.state.default('open'),
});
export type ActionItemCreate = z.infer<typeof ActionItemCreate>;

export const ActionItemPatch = z.strictObject(action).partial();
export type ActionItemPatch = z.infer<typeof ActionItemPatch>;

/** The most actions one post-mortem has. */
export const ACTIONS_MAX = 200;
