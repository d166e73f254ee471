import { AuditLog } from '#domain/audit.ts';
import { pageOf } from '#domain/common.ts';
import { api } from '#lib/api/client.ts';
import { may } from '#lib/api/rights.ts';
import { auditFilters } from '#lib/audit/entry.ts';
import { of } from '#lib/live/hub-line.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, parent, depends }) => {
	depends(of('audit'));
	const query = pick(url.searchParams, [...auditFilters, 'sort', 'cursor']);
	const { me } = await parent();
	if (!may(me, 'audit.list', null)) return { audit: null };
	return { audit: await api.get('/audit', pageOf(AuditLog), { fetch, query }) };
};
