import { pageOf } from '#domain/common.ts';
import { Group, GroupUser } from '#domain/group.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import { mayGovern } from '#lib/people/may-govern.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, params, parent, depends }) => {
	depends(of('group'), of('user'));
	mayGovern((await parent()).me);
	const at = `/groups/${String(params.group)}` as const;
	const query = { limit: 100, ...pick(url.searchParams, ['q', 'cursor']) };
	const [group, members] = await Promise.all([
		api.get(at, Group, { fetch }),
		api.get(`${at}/members`, pageOf(GroupUser), { fetch, query }),
	]);
	return { group, members };
};
