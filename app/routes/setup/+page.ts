import { redirect } from '@sveltejs/kit';
import { ApiError } from '#client/api-error.ts';
import { User } from '#domain/user.ts';
import { api } from '#lib/api/client.ts';
import { may } from '#lib/api/rights.ts';
import { loadProgress, SetupState } from '#lib/setup/state.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, depends }) => {
	depends('app:setup');
	const { needed } = await api.get('/setup', SetupState, { fetch });
	if (needed) return { me: null, project: null, agent: null, job: null, run: null };
	const me = await api.get('/auth/me', User, { fetch }).catch((error: unknown) => {
		if (error instanceof ApiError && error.problem.code === 'not_signed_in') redirect(307, '/sign-in?next=/setup');
		throw error;
	});
	if (!may(me, 'agent.enrol', null)) redirect(307, '/');
	return loadProgress(me, { fetch });
};
