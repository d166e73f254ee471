import './lib/zod-csp.ts';
import type { HandleClientError } from '@sveltejs/kit/hooks';
import { ApiError } from '#client/api-error.ts';
import { m } from '#lib/paraglide/messages.js';
import { explain } from '#lib/ui/notices.svelte.ts';

/** What a failed load shows: the hub's refusal in the viewer's language, with its request id. */
export const handleError: HandleClientError = ({ kind, error }) => {
	if (error instanceof ApiError)
		return { message: explain(error), code: error.problem.code, request_id: error.problem.request_id };
	if (kind === 'framework') return { message: m.error_not_found(), code: 'not_found', request_id: null };
	console.error(error);
	return { message: m.error_unexpected(), code: 'page', request_id: null };
};
