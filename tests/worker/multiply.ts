import { env } from 'cloudflare:workers';

export const COPIES = 60;

/** Many times as many rows of each kind. What must be unique is, where it is text; where it cannot be, the row is left out. */
async function multiply(table: string): Promise<void> {
	const { results: columns } = await env.DB.prepare(`pragma table_info(${table})`).all<{
		name: string;
		type: string;
	}>();
	const { results: unique } = await env.DB.prepare(
		`select distinct info.name from pragma_index_list('${table}') list, pragma_index_info(list.name) info where list."unique" = 1`,
	).all<{ name: string }>();
	const values = columns.map(({ name, type }) => {
		if (name === 'id' && type.toLowerCase() === 'integer') return 'null';
		const renamed = /^(name|username|external_id|token_hash|hash|key|email)$/.test(name);
		return renamed && unique.some((one) => one.name === name) ? `"${name}" || '-' || n` : `"${name}"`;
	});
	await env.DB.prepare(
		`with recursive copies(n) as (select 1 union all select n + 1 from copies where n < ${String(COPIES)})
			insert or ignore into ${table} select ${values.join(', ')} from (select * from ${table} order by rowid limit 5), copies`,
	).run();
}

/** The same of every table whose rows can be copied. */
export async function multiplyAll(): Promise<void> {
	const tables = await env.DB.prepare(
		`select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name not like '\\_cf%' escape '\\'
			and name not like 'd1%' and name not like 'import%' and name not like '%\\_text%' escape '\\'
			and name not in ('audit_seals', 'identities', 'job_tags')`,
	).all<{ name: string }>();
	for (const { name } of tables.results) await multiply(name);
}
