import { SecondFactor } from '#domain/second-factor.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, parent, depends }) => {
	depends(of('session'));
	await parent();
	return { factor: await api.get('/me/totp', SecondFactor, { fetch }) };
};
