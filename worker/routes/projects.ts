import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { Environment, EnvironmentCreate, EnvironmentPatch } from '#domain/environment.ts';
import { Project, ProjectCreate, ProjectHandOver, ProjectPatch, ProjectView } from '#domain/project.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { createEnvironment } from '#worker/services/environments/create.ts';
import { deleteEnvironment } from '#worker/services/environments/delete.ts';
import { EnvironmentList, listEnvironments } from '#worker/services/environments/list.ts';
import { readEnvironment } from '#worker/services/environments/read.ts';
import { updateEnvironment } from '#worker/services/environments/update.ts';
import { createProject } from '#worker/services/projects/create.ts';
import { deleteProject } from '#worker/services/projects/delete.ts';
import { handOverProject } from '#worker/services/projects/hand-over.ts';
import { listProjects, ProjectList } from '#worker/services/projects/list.ts';
import { readProject } from '#worker/services/projects/read.ts';
import { updateProject } from '#worker/services/projects/update.ts';

export const projects = new Hono<AppEnv>()
	.get(
		'/projects',
		describe('project.list', 'The projects you may see', { schema: pageOf(ProjectView) }),
		query(ProjectList),
		async (c) => c.json(await listProjects(c.var.ctx, c.req.valid('query'))),
	)
	.post(
		'/projects',
		describe('project.create', 'Make a project, which you own', { status: 201, schema: ProjectView }),
		json(ProjectCreate),
		(c) => posted(c, 201, (ctx) => createProject(ctx, c.req.valid('json'))),
	)
	.get('/projects/:id', describe('project.read', 'One project', { schema: ProjectView }), idIn('project'), async (c) =>
		row(c, await readProject(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/projects/:id',
		describe('project.update', 'Change a project', { schema: ProjectView }),
		idIn('project'),
		json(ProjectPatch),
		async (c) =>
			row(c, await settled(() => updateProject(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.post(
		'/projects/:id/owner',
		describe('project.hand_over', 'Give a project to another owner', { schema: Project }),
		idIn('project'),
		json(ProjectHandOver),
		(c) => posted(c, 200, (ctx) => handOverProject(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.delete(
		'/projects/:id',
		describe('project.delete', 'Remove a project that nothing is in; the refusal counts what is', { status: 204 }),
		idIn('project'),
		async (c) => {
			await settled(() => deleteProject(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.get(
		'/projects/:id/environments',
		describe('environment.list', "A project's environments", { schema: pageOf(Environment) }),
		idIn('project'),
		query(EnvironmentList),
		async (c) => c.json(await listEnvironments(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/projects/:id/environments',
		describe('environment.create', 'Add an environment to a project', { status: 201, schema: Environment }),
		idIn('project'),
		json(EnvironmentCreate),
		(c) => posted(c, 201, (ctx) => createEnvironment(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get(
		'/environments/:id',
		describe('environment.read', 'One environment', { schema: Environment }),
		idIn('environment'),
		async (c) => row(c, await readEnvironment(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/environments/:id',
		describe('environment.update', 'Change an environment', { schema: Environment }),
		idIn('environment'),
		json(EnvironmentPatch),
		async (c) =>
			row(
				c,
				await settled(() => updateEnvironment(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json'))),
			),
	)
	.delete(
		'/environments/:id',
		describe('environment.delete', 'Remove an environment that nothing refers to', { status: 204 }),
		idIn('environment'),
		async (c) => {
			await settled(() => deleteEnvironment(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	);
