import { z } from 'zod';
import { GitRevision } from './address.ts';
import { utf8Length } from './bytes.ts';
import { editable, Id, Name, Sha256, Text } from './common.ts';
import { SecretRef } from './secret-ref.ts';
import { Tool } from './tool.ts';

export const LocationType = z.enum(['uploaded', 'fs_path', 'git']);
export type LocationType = z.infer<typeof LocationType>;

export const ScriptRef = z.object({
	id: Id,
	project_id: Id,
	tool: Tool,
	name: z.string(),
	description: z.string().nullable(),
	location_type: LocationType,
	location: z.string(),
	/** Of `git` only: the repository it lies in, and which state of it; null: the default branch. */
	repo_id: Id.nullable(),
	revision: z.string().nullable(),
	vault_secret_ref: z.string().nullable(),
	sha256: Sha256.nullable(),
	size: z.int().min(0).nullable(),
	...editable,
});
export type ScriptRef = z.infer<typeof ScriptRef>;

/** Text sent in the JSON body, in bytes of UTF-8. Larger content goes by PUT. */
export const INLINE_CONTENT_MAX = 1_048_576;
/** Content sent by PUT. */
export const CONTENT_MAX = 16 * 1_048_576;

const content = z
	.string()
	.refine((s) => utf8Length(s) <= INLINE_CONTENT_MAX, 'at most 1 MiB here; send more by PUT …/content');

/** A path under the agent's data root, or in a repository: relative, and without a way out. The agent checks again, with the links resolved. */
export const FsPath = z
	.string()
	.min(1)
	.max(1024)
	.refine(
		(p) => !p.includes('\0') && !p.startsWith('/') && !p.startsWith('-') && !p.split('/').includes('..'),
		'expected a relative path, without .. and without a dash at its beginning',
	);

const common = {
	tool: Tool,
	name: Name(120),
	description: Text(2000).nullable().default(null),
	vault_secret_ref: SecretRef.nullable().default(null),
};
export const ScriptCreate = z.discriminatedUnion('location_type', [
	z.strictObject({ ...common, location_type: z.literal('uploaded'), content }),
	z.strictObject({ ...common, location_type: z.literal('fs_path'), location: FsPath }),
	z.strictObject({
		...common,
		location_type: z.literal('git'),
		location: FsPath,
		repo_id: Id,
		revision: GitRevision.nullable().default(null),
	}),
]);
export type ScriptCreate = z.infer<typeof ScriptCreate>;

export const ScriptPatch = z
	.strictObject({
		name: Name(120),
		description: Text(2000).nullable(),
		vault_secret_ref: SecretRef.nullable(),
		content,
		location: FsPath,
		repo_id: Id,
		revision: GitRevision.nullable(),
	})
	.partial();
export type ScriptPatch = z.infer<typeof ScriptPatch>;
