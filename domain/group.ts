import { z } from 'zod';
import { Access } from './access.ts';
import { editable, Id, Name, stamps, Text } from './common.ts';
import { PublicUser } from './user.ts';

/** People who reach projects together. */
export const Group = z.object({
	id: Id,
	name: z.string(),
	description: z.string().nullable(),
	/** How many people are in it, and how many projects it reaches. */
	members: z.int().min(0),
	projects: z.int().min(0),
	...editable,
});
export type Group = z.infer<typeof Group>;

const fields = { name: Name(80), description: Text(2000).nullable() };

export const GroupCreate = z.strictObject({ ...fields, description: fields.description.default(null) });
export type GroupCreate = z.infer<typeof GroupCreate>;

export const GroupPatch = z.strictObject(fields).partial();
export type GroupPatch = z.infer<typeof GroupPatch>;

/** A person in a group. `id` is the person's. */
export const GroupUser = PublicUser.extend({
	group_id: Id,
	role_in_group: z.string().nullable(),
	is_active: z.boolean(),
	...stamps,
});
export type GroupUser = z.infer<typeof GroupUser>;

export const GroupUserPut = z.strictObject({ role_in_group: Name(80).nullable().default(null) });
export type GroupUserPut = z.infer<typeof GroupUserPut>;

/** How a group reaches a project. `id` is the group's. */
export const ProjectGroup = z.object({
	id: Id,
	project_id: Id,
	name: z.string(),
	description: z.string().nullable(),
	members: z.int().min(0),
	access: Access,
	...stamps,
});
export type ProjectGroup = z.infer<typeof ProjectGroup>;

export const ProjectGroupPut = z.strictObject({ access: Access });
export type ProjectGroupPut = z.infer<typeof ProjectGroupPut>;
