import { HubStatus } from '#domain/hub.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import { mayGovern } from '#lib/people/may-govern.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, parent, depends }) => {
	// Whatever is done is audited, and agents come and go beside that.
	depends(of('audit'), of('agent'), of('webhook'));
	mayGovern((await parent()).me);
	return { status: await api.get('/hub/status', HubStatus, { fetch }) };
};
