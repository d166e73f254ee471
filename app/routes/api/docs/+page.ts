import { ApiDocument } from '#lib/api-docs/document.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch }) => ({
	document: ApiDocument.parse(JSON.parse(await api.text('/openapi.json', { fetch }))),
});
