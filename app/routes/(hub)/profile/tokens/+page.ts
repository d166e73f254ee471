import { loadTokens } from '#lib/profile/load-tokens.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, parent }) => {
	await parent();
	return { tokens: await loadTokens({ fetch }) };
};
