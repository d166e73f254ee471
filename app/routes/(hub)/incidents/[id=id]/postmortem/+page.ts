import { redirect } from '@sveltejs/kit';
import { pageOf } from '#domain/common.ts';
import { PostMortemVersionItem } from '#domain/postmortem.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, parent }) => {
	const { postmortem } = await parent();
	if (!postmortem) redirect(307, `/incidents/${String(params.id)}`);
	const versions = await api.get(`/incidents/${String(params.id)}/postmortem/versions`, pageOf(PostMortemVersionItem), {
		fetch,
		query: { limit: 100 },
	});
	return { postmortem, versions: versions.items };
};
