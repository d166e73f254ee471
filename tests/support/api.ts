// A person at the API of a real hub: plain fetch with a cookie, as any program would.
import { randomUUID } from 'node:crypto';

export interface Answer {
	status: number;
	headers: Headers;
	// What an answer holds is what the tests are about; they name the fields they read.
	body: Record<string, unknown>;
}

export class Api {
	readonly url: string;
	cookie = '';

	constructor(url: string) {
		this.url = url;
	}

	static async signIn(url: string, username: string, password: string): Promise<Api> {
		const api = new Api(url);
		const { status, headers } = await api.call('POST', '/api/auth/login', { username, password });
		if (status !== 200) throw new Error(`sign-in answered ${String(status)}`);
		api.cookie = (headers.get('set-cookie') ?? '').split(';')[0] ?? '';
		return api;
	}

	async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
		const response = await fetch(this.url + path, {
			method,
			headers: {
				origin: this.url,
				...(this.cookie ? { cookie: this.cookie } : {}),
				...(body === undefined ? {} : { 'content-type': 'application/json' }),
				...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
				...headers,
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		const json = (response.headers.get('content-type') ?? '').includes('json') && text !== '';
		return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : { text } };
	}

	/** As `call`, but anything but a 2xx is an error that shows the answer. */
	async ok(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer['body']> {
		const answer = await this.call(method, path, body, headers);
		if (answer.status >= 300)
			throw new Error(`${method} ${path}: ${String(answer.status)} ${JSON.stringify(answer.body)}`);
		return answer.body;
	}

	get(path: string): Promise<Answer['body']> {
		return this.ok('GET', path);
	}

	/** A project with one job that runs `script`; what most tests of runs begin with. */
	async jobWith(script: string, fields: Record<string, unknown> = {}): Promise<{ project_id: number; job_id: number }> {
		const project = await this.ok('POST', '/api/projects', { name: `p ${randomUUID().slice(0, 8)}` });
		return this.jobInProject(project.id as number, script, fields);
	}

	/** The same in a project that is there already. */
	async jobInProject(
		project_id: number,
		script: string,
		fields: Record<string, unknown> = {},
	): Promise<{ project_id: number; job_id: number }> {
		const created = await this.ok('POST', `/api/projects/${String(project_id)}/scripts`, {
			tool: 'shell',
			name: `script ${randomUUID().slice(0, 8)}`,
			location_type: 'uploaded',
			content: script,
		});
		const job = await this.ok('POST', `/api/projects/${String(project_id)}/jobs`, {
			title: 'job',
			job_type: 'dev',
			script_ids: [created.id],
			...fields,
		});
		return { project_id, job_id: job.id as number };
	}

	async run(job_id: number, body: Record<string, unknown> = {}): Promise<number> {
		return (await this.ok('POST', `/api/jobs/${String(job_id)}/runs`, body)).id as number;
	}

	/** The Run row once it has ended. */
	async ended(run_id: number, patience_ms = 60_000): Promise<Answer['body']> {
		const until = Date.now() + patience_ms;
		for (;;) {
			const row = await this.get(`/api/runs/${String(run_id)}?wait=20`);
			if (!['queued', 'running'].includes(row.status as string)) return row;
			if (Date.now() > until) throw new Error(`run ${String(run_id)} has not ended: ${JSON.stringify(row)}`);
		}
	}

	async log(run_id: number): Promise<Buffer> {
		const response = await fetch(`${this.url}/api/runs/${String(run_id)}/log`, { headers: { cookie: this.cookie } });
		if (!response.ok) throw new Error(`log answered ${String(response.status)}`);
		return Buffer.from(await response.arrayBuffer());
	}
}
