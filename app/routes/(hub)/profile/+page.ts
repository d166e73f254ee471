import { pageOf } from '#domain/common.ts';
import { SessionView } from '#domain/user.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, parent, depends }) => {
	depends('app:sessions');
	await parent();
	return { sessions: await api.get('/me/sessions', pageOf(SessionView), { fetch, query: { limit: 200 } }) };
};
