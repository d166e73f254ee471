import { env } from 'cloudflare:workers';
import type { OpenApi } from '#worker/http/openapi/document.ts';
import { nobody } from './api-world.ts';

// The operations of the document, with addresses of rows that there are.

export const documentOf = async (): Promise<OpenApi> =>
	(await nobody('GET', '/api/openapi.json')).body as unknown as OpenApi;

/** Tables that are not called as their addresses are. */
const tableOf: Record<string, string> = {
	scripts: 'script_refs',
	repos: 'git_repos',
	changes: 'git_changes',
	'terraform-plans': 'terraform_plans',
	'metric-refs': 'metric_refs',
	'alert-sources': 'alert_sources',
	tokens: 'api_tokens',
	versions: 'postmortem_versions',
};

/** What an operation cannot be asked without. */
const queries: Record<string, string> = {
	'/api/calendar': '?start=2026-11-01&end=2026-12-01',
	'/api/calendar/freezes': '?start=2026-11-01&end=2026-12-01',
	'/api/calendar/state': '?project_id=1',
	'/api/runs/{id}/log/search': '?q=x',
	'/api/server-status/history': '?agent_id=1&from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z',
};

/** An address of the operation, of rows that there are: the first of their kind, or the last. */
export async function addressOf(path: string, which: 'min' | 'max' = 'min'): Promise<string> {
	const [, kind = ''] = /^\/api\/([a-z-]+)\/\{/.exec(path) ?? [];
	if (kind === '') return path + (queries[path] ?? '');
	const of = path.includes('postmortem')
		? 'select incident_id as id from postmortems limit 1'
		: path.startsWith('/api/scripts/{id}/jobs')
			? 'select script_id as id from job_script_refs limit 1'
			: path.startsWith('/api/jobs/{id}/template')
				? 'select job_id as id from job_script_refs limit 1'
				: `select ${which}(id) as id from ${tableOf[kind] ?? kind}`;
	const id = await env.DB.prepare(of).first<number>('id');
	return path.replace(/\{\w+\}/, String(id)).replace(/\{\w+\}/, '1') + (queries[path] ?? '');
}
