import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OpenApi } from '#worker/http/openapi/document.ts';
import { type Caller, fresh, idOf, nobody, person, project } from './api-world.ts';
import { expectArchivable } from './archivable.ts';

let admin: Caller;
let p: number;

beforeAll(async () => {
	admin = await person('admin');
	p = await project(admin);
});

describe('names and texts', () => {
	const job = (fields: object) =>
		admin.call('POST', `/api/projects/${String(p)}/jobs`, { body: { job_type: 'dev', ...fields } });

	it('12: script in a name is kept as it is, and told as JSON only', async () => {
		const title = '<img src=x onerror=alert(1)>"\'`${7*7}';
		const made = await job({ title });
		expect(made).toMatchObject({ status: 201, body: { title } });
		expect(made.headers.get('content-type')).toBe('application/json');
	});

	it('14 15: controls, escapes, bidirectional and zero-width characters are refused by name', async () => {
		for (const bad of [
			'\u0000',
			'\u001b[31m',
			'\r\n',
			'\u202e',
			'\u2066',
			'\u200b',
			'\u200f',
			'\ufeff',
			'\u2028',
			'\u0085',
		])
			for (const field of ['title', 'tags'] as const) {
				const value = `a${bad}b`;
				const answer = await job(field === 'title' ? { title: value } : { title: 'x', tags: [value] });
				expect(answer, JSON.stringify(bad)).toMatchObject({
					status: 400,
					body: { errors: [{ path: field === 'title' ? 'title' : 'tags.0' }] },
				});
			}
		expect((await job({ title: 'x', description: 'line\nline\ttab' })).status).toBe(201);
		expect((await job({ title: 'x', description: 'esc \u001b]52;c;x\u0007' })).status).toBe(400);
	});

	it('refuses what is too long, empty or of another type, and says where', async () => {
		for (const [fields, path] of [
			[{ title: '' }, 'title'],
			[{ title: '   ' }, 'title'],
			[{ title: 'x'.repeat(161) }, 'title'],
			[{ title: 1 }, 'title'],
			[{ title: null }, 'title'],
			[{}, 'title'],
			[{ title: 'x', description: 'x'.repeat(10_001) }, 'description'],
			[{ title: 'x', priority: 'urgent' }, 'priority'],
			[{ title: 'x', tags: Array<string>(21).fill('t') }, 'tags'],
			[{ title: 'x', script_ids: Array.from({ length: 21 }, (_, n) => n + 1) }, 'script_ids'],
			[{ title: 'x', script_ids: [1, 1] }, 'script_ids'],
			[{ title: 'x', script_ids: ['1'] }, 'script_ids.0'],
			[{ title: 'x', timeout_s: 0 }, 'timeout_s'],
			[{ title: 'x', planned_start: '2026-13-01T00:00:00Z' }, 'planned_start'],
			[{ title: 'x', planned_start: '2026-12-01T00:00:00+01:00' }, 'planned_start'],
			[{ title: 'x', planned_start: '2026-12-01' }, 'planned_start'],
			[{ title: 'x', planned_end: '2026-12-01T00:00:00Z' }, 'planned_start'],
			[{ title: 'x', planned_start: '2026-12-02T00:00:00Z', planned_end: '2026-12-01T00:00:00Z' }, 'planned_end'],
			[{ title: 'x', planned_start: '2026-12-01T00:00:00Z', planned_end: '2027-12-01T00:00:00Z' }, 'planned_end'],
			[{ title: 'x', labels: { 'bad key!': 'x' } }, 'labels.bad key!'],
		] as const) {
			const answer = await job(fields);
			expect(answer.status, JSON.stringify(fields)).toBe(400);
			expect((answer.body.errors as { path: string }[]).map((e) => e.path)).toContain(path);
		}
	});

	it('26: __proto__ and constructor in a JSON column are keys like any other, or refused; nothing is polluted', async () => {
		for (const text of [
			'{"title":"x","job_type":"dev","labels":{"__proto__":"polluted"}}',
			'{"title":"x","job_type":"dev","labels":{"constructor":"polluted"}}',
			'{"title":"x","job_type":"dev","__proto__":{"priority":"high"}}',
			'{"title":"x","job_type":"dev","constructor":{"prototype":{"x":1}}}',
		]) {
			const { status, body } = await admin.call('POST', `/api/projects/${String(p)}/jobs`, {
				raw: text,
				headers: { 'content-type': 'application/json' },
			});
			expect([201, 400], text).toContain(status);
			if (status === 201) expect(body).toMatchObject({ priority: 'normal' });
		}
		const parameters = await admin.call('POST', '/api/projects', {
			raw: `{"name":"${fresh('proto')}","execution_backend":"local","execution_backend_config":{"__proto__":{"cwd":"/"},"env":{"__proto__":"x"}}}`,
			headers: { 'content-type': 'application/json' },
		});
		expect([201, 400]).toContain(parameters.status);
		expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
		expect(({} as Record<string, unknown>)['cwd']).toBeUndefined();
	});

	it('takes a backend configuration strictly of its schema', async () => {
		for (const [fields, path] of [
			[{ execution_backend: 'local', execution_backend_config: { cwd: 'relative' } }, 'execution_backend_config.cwd'],
			[{ execution_backend: 'local', execution_backend_config: { image: 'x' } }, 'execution_backend_config'],
			[
				{ execution_backend: 'docker', execution_backend_config: { image: 'alpine', privileged: true } },
				'execution_backend_config',
			],
			[{ execution_backend: null, execution_backend_config: { x: 1 } }, 'execution_backend_config'],
		] as const)
			expect(await admin.call('POST', '/api/projects', { body: { name: fresh('b'), ...fields } })).toMatchObject({
				status: 400,
				body: { errors: [{ path }] },
			});
	});
});

describe('scripts', () => {
	const add = (body: object) =>
		admin.call('POST', `/api/projects/${String(p)}/scripts`, { body: { tool: 'shell', ...body } });

	it('keep their bytes, by hash, and never a place a client named', async () => {
		const content = 'printf "é\\0"\r\n\u001b[0m';
		const made = await add({ name: fresh('s'), location_type: 'uploaded', content });
		expect(made.status).toBe(201);
		expect(made.body.location).toBe(`scripts/${String(p)}/${String(made.body.sha256)}`);
		expect(made.body.size).toBe(new TextEncoder().encode(content).length);
		const read = await admin.call('GET', `/api/scripts/${String(idOf(made.body))}/content`);
		expect(read.body.text).toBe(content);
		expect(
			(await add({ name: fresh('s'), location_type: 'uploaded', content: 'x', location: 'runs/1/0.gz' })).status,
		).toBe(400);
	});

	it('take a megabyte of text in JSON, and sixteen as bytes', async () => {
		const name = fresh('big');
		const made = await add({ name, location_type: 'uploaded', content: '"'.repeat(1_048_576) });
		expect(made).toMatchObject({ status: 201, body: { size: 1_048_576 } });
		expect(await add({ name: fresh('big'), location_type: 'uploaded', content: 'é'.repeat(524_289) })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'content' }] },
		});
		const at = `/api/scripts/${String(idOf(made.body))}/content`;
		const bytes = new Uint8Array(16 * 1_048_576).map((_, n) => n);
		const put = await admin.call('PUT', at, { raw: bytes });
		expect(put).toMatchObject({ status: 200, body: { size: bytes.length, version: 2 } });
		expect((await admin.call('PUT', at, { raw: new Uint8Array(16 * 1_048_576 + 1) })).status).toBe(413);
		expect((await admin.call('PUT', at, { raw: 'x', headers: { 'if-match': '"v1"' } })).status).toBe(412);
		expect((await admin.call('PUT', at, { raw: 'x', headers: { 'if-match': '"v2"' } })).status).toBe(200);
	});

	it('42: a place on the agents stays under the data root', async () => {
		for (const location of ['../x', 'a/../../x', '/etc/passwd', 'a\u0000b', '..', 'a/..', '', 'x'.repeat(1025)])
			expect(await add({ name: fresh('fs'), location_type: 'fs_path', location }), location).toMatchObject({
				status: 400,
				body: { errors: [{ path: 'location' }] },
			});
		const made = await add({ name: fresh('fs'), location_type: 'fs_path', location: 'deploy/run..sh' });
		expect(made).toMatchObject({ status: 201, body: { sha256: null } });
		const at = `/api/scripts/${String(idOf(made.body))}`;
		const headers = { 'if-match': '"v1"' };
		expect((await admin.call('PATCH', at, { body: { location: '../x' }, headers })).status).toBe(400);
		expect((await admin.call('PATCH', at, { body: { content: 'x' }, headers })).status).toBe(400);
		expect((await admin.call('GET', `${at}/content`)).status).toBe(404);
		expect((await admin.call('PUT', `${at}/content`, { raw: 'x' })).status).toBe(400);
	});

	it('13: a secret is named, never given, and nothing else passes for a reference', async () => {
		for (const vault_secret_ref of [
			's3cr3t',
			'javascript:alert(1)',
			'http://x',
			'env:',
			'env:A B',
			'file:a\nb',
			'data:text/html,x',
		])
			expect(
				(await add({ name: fresh('v'), location_type: 'uploaded', content: '', vault_secret_ref })).status,
				vault_secret_ref,
			).toBe(400);
		expect(
			(await add({ name: fresh('v'), location_type: 'uploaded', content: '', vault_secret_ref: 'env:DB' })).status,
		).toBe(201);
	});

	it('in use stay, and names are taken once', async () => {
		const name = fresh('used');
		const made = await add({ name, location_type: 'uploaded', content: 'x' });
		expect(await add({ name, location_type: 'uploaded', content: 'y' })).toMatchObject({
			status: 409,
			body: { errors: [{ path: 'name' }] },
		});
		await admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: 'x',
			job_type: 'dev',
			script_ids: [made.body.id],
		});
		const at = `/api/scripts/${String(idOf(made.body))}`;
		expect((await admin.call('DELETE', at, { headers: { 'if-match': '"v1"' } })).status).toBe(409);
	});
});

describe('25: hostile values', () => {
	it('25: bytes that are no JSON are refused', async () => {
		await fc.assert(
			fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
				const { status } = await admin.call('POST', `/api/projects/${String(p)}/jobs`, {
					raw: bytes,
					headers: { 'content-type': 'application/json' },
				});
				expect(status).toBeGreaterThanOrEqual(400);
				expect(status).toBeLessThan(500);
			}),
			{ numRuns: 50 },
		);
		const deep = '['.repeat(200_000) + ']'.repeat(200_000);
		const answer = await admin.call('POST', `/api/projects/${String(p)}/jobs`, {
			raw: `{"title":${deep}}`,
			headers: { 'content-type': 'application/json' },
		});
		expect(answer.status).toBe(400);
	});

	it('25: and what was let in leaves as an archive that another hub would take', async () => {
		expect((await expectArchivable()).size).toBeGreaterThan(7);
	});
});

describe('13: an address that people give', () => {
	const evil = [
		'javascript:alert(1)',
		'JaVaScRiPt:alert(1)',
		'\tjavascript:alert(1)',
		'data:text/html,<script>alert(1)</script>',
		'vbscript:x',
		'file:///etc/passwd',
		'//evil.example/x',
		'https://user:password@hooks.example.com/',
		'https://hooks.example.com/\nx',
	];

	it('13: is one of the web, in whatever body it stands', async () => {
		const { body } = (await nobody('GET', '/api/openapi.json')) as unknown as { body: OpenApi };
		const asked: string[] = [];
		for (const [path, methods] of Object.entries(body.paths))
			for (const [method, { requestBody }] of Object.entries(methods)) {
				const sent = requestBody?.content['application/json'];
				const name = sent?.schema.$ref?.split('/').pop() ?? '';
				const fields = Object.keys(body.components.schemas[name]?.properties ?? {});
				for (const field of fields.filter((one) => /(^|_)url$/.test(one))) {
					asked.push(`${method} ${path} ${field}`);
					for (const address of evil) {
						const answer = await admin.call(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, '1'), {
							body: { ...(sent?.example as object), [field]: address },
							headers: { 'if-match': '"v1"' },
						});
						expect(answer, `${method} ${path} ${field}: ${address}`).toMatchObject({
							status: 400,
							body: { code: 'invalid', errors: [{ path: field }] },
						});
					}
				}
			}
		expect(asked.length).toBeGreaterThan(7);
	});

	it('13: nor does a run call another', async () => {
		for (const execution_backend of ['webhook', 'serverless'])
			for (const url of evil) {
				const execution_backend_config = { url, secret_ref: 'hub:key', provider: 'other' };
				const answer = await admin.call('POST', '/api/projects', {
					body: { name: fresh('b'), execution_backend, execution_backend_config },
				});
				expect(answer, url).toMatchObject({ status: 400, body: { code: 'invalid' } });
				expect(JSON.stringify(answer.body), url).toContain('execution_backend_config.url');
			}
	});
});
