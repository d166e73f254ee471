import { redirect } from '@sveltejs/kit';
import { ApiError } from '#client/api-error.ts';
import { pageOf } from '#domain/common.ts';
import { ProjectView } from '#domain/project.ts';
import { PublicUser, User } from '#domain/user.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import type { LayoutLoad } from './$types';

export const load: LayoutLoad = async ({ fetch, url, depends, untrack }) => {
	depends('app:hub', of('user'), of('project'));
	try {
		const [me, projects, users] = await Promise.all([
			api.get('/auth/me', User, { fetch }),
			api.get('/projects', pageOf(ProjectView), { fetch, query: { limit: 200, sort: 'name' } }),
			api.get('/users', pageOf(PublicUser), { fetch, query: { limit: 200 } }),
		]);
		return { me, projects: projects.items, users: users.items };
	} catch (error) {
		if (!(error instanceof ApiError) || error.problem.code !== 'not_signed_in') throw error;
		const next = untrack(() => url.pathname + url.search);
		redirect(307, next === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`);
	}
};
