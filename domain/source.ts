import { z } from 'zod';
import { GitRevision } from './address.ts';
import { Id, Name } from './common.ts';
import { utf8Length } from './bytes.ts';
import { FsPath, INLINE_CONTENT_MAX } from './script.ts';

/** Where a document comes from: sent here, a path under an agent's data root, or a path in a repository. */
export const SourceType = z.enum(['uploaded', 'fs_path', 'git']);
export type SourceType = z.infer<typeof SourceType>;

/** The columns that say it. `repo_id` and `revision` are of `git` only; no revision: the default branch. */
export const source = {
	source_type: SourceType,
	source_location: z.string(),
	repo_id: Id.nullable(),
	revision: z.string().nullable(),
};

/** Text of at most so many bytes in UTF-8. */
export const content = (max = INLINE_CONTENT_MAX) =>
	z
		.string()
		.min(1, 'must not be empty')
		.refine((text) => text.length <= max && utf8Length(text) <= max, `at most ${String(max / 1_048_576)} MiB`);

/**
 * A new document: its text, or where it lies. With a path the text may come along: the hub does not go and fetch it,
 * and shows what it was sent.
 */
export const sourceCreate = <T extends z.ZodRawShape, C extends z.ZodType<string>>(more: T, text: C, name: string) =>
	z.discriminatedUnion('source_type', [
		z.strictObject({
			...more,
			source_type: z.literal('uploaded'),
			/** The file's name: a label, never a place. */
			source_location: Name(200).default(name),
			content: text,
		}),
		z.strictObject({
			...more,
			source_type: z.literal('fs_path'),
			source_location: FsPath,
			content: text.optional(),
		}),
		z.strictObject({
			...more,
			source_type: z.literal('git'),
			source_location: FsPath,
			repo_id: Id,
			revision: GitRevision.nullable().default(null),
			content: text.optional(),
		}),
	]);
