import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { GitChange, GitChangeCreate, GitChangePatch, GitRepo, GitRepoCreate, GitRepoPatch } from '#domain/repo.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { createChange } from '#worker/services/changes/create.ts';
import { deleteChange } from '#worker/services/changes/delete.ts';
import { ChangeList, listChanges } from '#worker/services/changes/list.ts';
import { readChange } from '#worker/services/changes/read.ts';
import { updateChange } from '#worker/services/changes/update.ts';
import { createRepo } from '#worker/services/repos/create.ts';
import { deleteRepo } from '#worker/services/repos/delete.ts';
import { listRepos, RepoList } from '#worker/services/repos/list.ts';
import { readRepo } from '#worker/services/repos/read.ts';
import { updateRepo } from '#worker/services/repos/update.ts';

const changePage = { schema: pageOf(GitChange) };

export const repos = new Hono<AppEnv>()
	.get(
		'/projects/:id/repos',
		describe('repo.list', 'A project’s repositories', { schema: pageOf(GitRepo) }),
		idIn('project'),
		query(RepoList),
		async (c) => c.json(await listRepos(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/projects/:id/repos',
		describe('repo.create', 'Add a repository: where it lies, and where its credentials are', {
			status: 201,
			schema: GitRepo,
		}),
		idIn('project'),
		json(GitRepoCreate),
		(c) => posted(c, 201, (ctx) => createRepo(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get('/repos/:id', describe('repo.read', 'One repository', { schema: GitRepo }), idIn('repository'), async (c) =>
		row(c, await readRepo(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/repos/:id',
		describe('repo.update', 'Change a repository', { schema: GitRepo }),
		idIn('repository'),
		json(GitRepoPatch),
		async (c) =>
			row(c, await settled(() => updateRepo(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/repos/:id',
		describe('repo.delete', 'Remove a repository that nothing comes from', { status: 204 }),
		idIn('repository'),
		async (c) => {
			await settled(() => deleteRepo(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.get(
		'/repos/:id/changes',
		describe('change.list', 'The changes of a repository', changePage),
		idIn('repository'),
		query(ChangeList),
		async (c) => c.json(await listChanges(c.var.ctx, { repo_id: c.req.valid('param').id }, c.req.valid('query'))),
	)
	.post(
		'/repos/:id/changes',
		describe('change.create', 'Tell of a change, and of the job or the incident it belongs to', {
			status: 201,
			schema: GitChange,
		}),
		idIn('repository'),
		json(GitChangeCreate),
		(c) => posted(c, 201, (ctx) => createChange(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get(
		'/projects/:id/changes',
		describe('change.list_in_project', 'The changes of all repositories of a project', changePage),
		idIn('project'),
		query(ChangeList),
		async (c) => c.json(await listChanges(c.var.ctx, { project_id: c.req.valid('param').id }, c.req.valid('query'))),
	)
	.get(
		'/jobs/:id/changes',
		describe('change.list_of_job', 'The changes a job is linked to', changePage),
		idIn('job'),
		query(ChangeList),
		async (c) => c.json(await listChanges(c.var.ctx, { job_id: c.req.valid('param').id }, c.req.valid('query'))),
	)
	.get('/changes/:id', describe('change.read', 'One change', { schema: GitChange }), idIn('change'), async (c) =>
		row(c, await readChange(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/changes/:id',
		describe('change.update', 'Change a change', { schema: GitChange }),
		idIn('change'),
		json(GitChangePatch),
		async (c) =>
			row(c, await settled(() => updateChange(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete('/changes/:id', describe('change.delete', 'Remove a change', { status: 204 }), idIn('change'), async (c) => {
		await settled(() => deleteChange(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
		return c.body(null, 204);
	});
