// The foil for lists: nobody is asked who they are, nothing is checked; one select, and its rows as JSON.
import { WorkerEntrypoint } from 'cloudflare:workers';

export class LocalControl extends WorkerEntrypoint {
	fetch() {
		return new Response('ok');
	}
}

export default {
	async fetch(request, env) {
		const { pathname, searchParams } = new URL(request.url);
		if (pathname === '/fill') {
			const { table, rows } = await request.json();
			const columns = Object.keys(rows[0]);
			await env.DB.batch([
				env.DB.prepare(`create table if not exists ${table} (${columns.map((c) => `"${c}"`).join(', ')})`),
				...rows.map((row) =>
					env.DB.prepare(`insert into ${table} values (${columns.map(() => '?').join(', ')})`).bind(
						...columns.map((c) => row[c]),
					),
				),
			]);
			return new Response('ok');
		}
		const { results } = await env.DB.prepare('select * from jobs order by created_at desc, id desc limit ?')
			.bind(Number(searchParams.get('limit')))
			.all();
		return Response.json({ items: results, next_cursor: null });
	},
};
