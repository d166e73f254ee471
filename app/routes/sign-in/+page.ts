import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

/** An empty hub has nobody who could sign in. */
export const load: PageLoad = async ({ fetch }) => {
	const { needed } = await api.get('/setup', z.object({ needed: z.boolean() }), { fetch });
	if (needed) redirect(307, '/setup');
};
