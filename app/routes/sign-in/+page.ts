import { redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { SignInMethods } from '#domain/sign-in.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

/** An empty hub has nobody who could sign in. */
export const load: PageLoad = async ({ fetch }) => {
	const [{ needed }, methods] = await Promise.all([
		api.get('/setup', z.object({ needed: z.boolean() }), { fetch }),
		api.get('/auth/methods', SignInMethods, { fetch }),
	]);
	if (needed) redirect(307, '/setup');
	return { methods };
};
