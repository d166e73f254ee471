import { Hono } from 'hono';
import { notFound } from '#domain/errors.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { attachment } from '#worker/http/headers.ts';

/** The programs that other machines fetch from this hub. */
const programs: readonly string[] = ['uhub-agent.mjs', 'uhub.mjs'];

/** `/downloads/…`, for everybody: a machine that is to be enrolled has nothing to sign in with. */
export const downloads = new Hono<AppEnv>().get('*', async (c) => {
	const name = c.req.path.replace('/downloads/', '');
	const file = programs.includes(name) ? await c.env.ASSETS.fetch(c.req.raw) : null;
	// Where there is no such file the binding answers with the app's first page.
	if (file === null || file.headers.get('content-type')?.startsWith('text/html')) throw notFound('download');
	const answer = new Response(file.body, file);
	answer.headers.set('content-disposition', attachment(name));
	return answer;
});
