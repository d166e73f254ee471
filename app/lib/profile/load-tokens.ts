import { pageOf } from '#domain/common.ts';
import { ApiToken } from '#domain/token.ts';
import { api } from '#lib/api/client.ts';

/** All of one's own: a person has fewer than a page. */
export const loadTokens = async (call: { fetch?: typeof fetch } = {}): Promise<ApiToken[]> =>
	(await api.get('/tokens', pageOf(ApiToken), { ...call, query: { limit: 200 } })).items;
