import { mayGovern } from '#lib/people/may-govern.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
	mayGovern((await parent()).me);
};
