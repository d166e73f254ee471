import { pageOf } from '#domain/common.ts';
import { SessionView } from '#domain/user.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, parent, depends }) => {
	depends(of('session'));
	await parent();
	return { sessions: await api.get('/me/sessions', pageOf(SessionView), { fetch, query: { limit: 200 } }) };
};
