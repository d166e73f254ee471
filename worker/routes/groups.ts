import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import {
	Group,
	GroupCreate,
	GroupPatch,
	GroupUser,
	GroupUserPut,
	ProjectGroup,
	ProjectGroupPut,
} from '#domain/group.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, IdInPath, idsIn, json, query } from '#worker/http/input.ts';
import { deleteGroupUser } from '#worker/services/group_users/delete.ts';
import { GroupUserList, listGroupUsers } from '#worker/services/group_users/list.ts';
import { putGroupUser } from '#worker/services/group_users/put.ts';
import { createGroup } from '#worker/services/groups/create.ts';
import { deleteGroup } from '#worker/services/groups/delete.ts';
import { GroupList, listGroups } from '#worker/services/groups/list.ts';
import { readGroup } from '#worker/services/groups/read.ts';
import { updateGroup } from '#worker/services/groups/update.ts';
import { deleteProjectGroup } from '#worker/services/project_groups/delete.ts';
import { listProjectGroups, ProjectGroupList } from '#worker/services/project_groups/list.ts';
import { putProjectGroup } from '#worker/services/project_groups/put.ts';

const member = idsIn('member', { id: IdInPath, user_id: IdInPath });
const reaching = idsIn('group', { id: IdInPath, group_id: IdInPath });

export const groups = new Hono<AppEnv>()
	.get(
		'/groups',
		describe('group.list', 'The groups of this hub', { schema: pageOf(Group) }),
		query(GroupList),
		async (c) => c.json(await listGroups(c.var.ctx, c.req.valid('query'))),
	)
	.post('/groups', describe('group.create', 'Make a group', { status: 201, schema: Group }), json(GroupCreate), (c) =>
		posted(c, 201, (ctx) => createGroup(ctx, c.req.valid('json'))),
	)
	.get('/groups/:id', describe('group.read', 'One group', { schema: Group }), idIn('group'), async (c) =>
		row(c, await readGroup(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/groups/:id',
		describe('group.update', 'Change a group', { schema: Group }),
		idIn('group'),
		json(GroupPatch),
		async (c) =>
			row(c, await settled(() => updateGroup(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/groups/:id',
		describe('group.delete', 'Remove a group that reaches no project', { status: 204 }),
		idIn('group'),
		async (c) => {
			await settled(() => deleteGroup(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.get(
		'/groups/:id/members',
		describe('group_user.list', 'Who is in a group', { schema: pageOf(GroupUser) }),
		idIn('group'),
		query(GroupUserList),
		async (c) => c.json(await listGroupUsers(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.put(
		'/groups/:id/members/:user_id',
		describe('group_user.put', 'Put a person into a group, or change what they are in it', { schema: GroupUser }),
		member,
		json(GroupUserPut),
		async (c) => {
			const { id, user_id } = c.req.valid('param');
			return row(c, await settled(() => putGroupUser(c.var.ctx, id, user_id, c.req.valid('json'))));
		},
	)
	.delete(
		'/groups/:id/members/:user_id',
		describe('group_user.delete', 'Take a person out of a group', { status: 204 }),
		member,
		async (c) => {
			const { id, user_id } = c.req.valid('param');
			await settled(() => deleteGroupUser(c.var.ctx, id, user_id));
			return c.body(null, 204);
		},
	)
	.get(
		'/projects/:id/groups',
		describe('project_group.list', 'Which groups reach a project, and how far', { schema: pageOf(ProjectGroup) }),
		idIn('project'),
		query(ProjectGroupList),
		async (c) => c.json(await listProjectGroups(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.put(
		'/projects/:id/groups/:group_id',
		describe('project_group.put', 'Give a group access to a project, or change it', { schema: ProjectGroup }),
		reaching,
		json(ProjectGroupPut),
		async (c) => {
			const { id, group_id } = c.req.valid('param');
			return row(c, await settled(() => putProjectGroup(c.var.ctx, id, group_id, c.req.valid('json'))));
		},
	)
	.delete(
		'/projects/:id/groups/:group_id',
		describe('project_group.delete', "Take a group's access to a project away", { status: 204 }),
		reaching,
		async (c) => {
			const { id, group_id } = c.req.valid('param');
			await settled(() => deleteProjectGroup(c.var.ctx, id, group_id));
			return c.body(null, 204);
		},
	);
