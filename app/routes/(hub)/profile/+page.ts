import { pageOf } from '#domain/common.ts';
import { FeedState } from '#domain/feed.ts';
import { SessionView } from '#domain/user.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, parent, depends }) => {
	depends(of('session'), of('feed'));
	await parent();
	const [sessions, { feed }] = await Promise.all([
		api.get('/me/sessions', pageOf(SessionView), { fetch, query: { limit: 200 } }),
		api.get('/me/feed', FeedState, { fetch }),
	]);
	return { sessions, feed };
};
