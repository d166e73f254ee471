import { pageOf } from '#domain/common.ts';
import { User } from '#domain/user.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import { mayGovern } from '#lib/people/may-govern.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, parent, depends }) => {
	depends(of('user'), of('session'));
	mayGovern((await parent()).me);
	const query = { limit: 50, ...pick(url.searchParams, ['q', 'role', 'is_active', 'cursor']) };
	return { people: await api.get('/users', pageOf(User), { fetch, query }) };
};
