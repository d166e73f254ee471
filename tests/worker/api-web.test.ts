import { beforeAll, describe, expect, it } from 'vitest';
import { attachment } from '#worker/http/headers.ts';
import { type Caller, caller, fresh, idOf, nobody, ORIGIN, person, project } from './api-world.ts';

let admin: Caller;
let p: number;

beforeAll(async () => {
	admin = await person('admin');
	p = await project(admin);
});

const script = (fields: object = {}) =>
	admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
		tool: 'shell',
		name: fresh('script'),
		location_type: 'uploaded',
		content: '<script>alert(1)</script>',
		...fields,
	});

describe('headers', () => {
	it('16 17 19: stand on the API and on the pages, on good answers and on refusals', async () => {
		const answers = [
			await admin.call('GET', '/api/projects'),
			await nobody('GET', '/api/projects'),
			await nobody('GET', '/api/no-such-thing'),
			await nobody('POST', '/api/auth/login', { raw: '{', headers: { 'content-type': 'application/json' } }),
			await nobody('GET', '/'),
			await nobody('GET', '/projects/1'),
		];
		for (const { headers, status } of answers) {
			const csp = headers.get('content-security-policy') ?? '';
			expect(csp, String(status)).toContain("default-src 'none'");
			expect(csp).toContain("frame-ancestors 'none'");
			expect(csp).toContain("script-src 'self';");
			expect(csp).not.toMatch(/unsafe-eval|script-src[^;]*unsafe|style-src [^;]*unsafe|\*/);
			expect(headers.get('x-content-type-options')).toBe('nosniff');
			expect(headers.get('x-frame-options')).toBe('DENY');
			expect(headers.get('referrer-policy')).toBe('same-origin');
			expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
			expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
			expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
			expect(headers.get('access-control-allow-origin')).toBeNull();
		}
		for (const { headers } of answers.slice(0, 4)) expect(headers.get('cache-control')).toBe('no-store');
	});

	it('say over https that it stays https', async () => {
		const { headers } = await caller(null, 'https://hub.test')('GET', '/api/health');
		expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
		expect((await nobody('GET', '/api/health')).headers.get('strict-transport-security')).toBeNull();
	});
});

describe('downloads', () => {
	it('21: are the programs this hub hands out, and no page in the place of another', async () => {
		const names = ['uhub.exe', 'index.html', '..%2findex.html', 'uhub-agent.mjs.br', '__proto__', 'a/b'];
		for (const name of ['', ...names]) {
			const answer = await nobody('GET', `/downloads/${name}`);
			expect(answer, name).toMatchObject({ status: 404, body: { code: 'not_found' } });
		}
	});
});

describe('problems', () => {
	it('are RFC 9457, name the request, and show nothing of the inside', async () => {
		const answers = [
			await admin.call('GET', '/api/projects/999999'),
			await admin.call('GET', '/api/projects/x'),
			await admin.call('POST', '/api/projects', { body: { name: '' } }),
			await admin.call('POST', '/api/projects', { raw: '{"a', headers: { 'content-type': 'application/json' } }),
			await admin.call('POST', '/api/projects', { raw: '\xff\xfe', headers: { 'content-type': 'application/json' } }),
			await admin.call('PROPFIND', '/api/projects'),
			await nobody('GET', '/api/auth/me'),
			await admin.call('GET', '/live/nowhere'),
		];
		for (const { status, headers, body } of answers) {
			expect(status, JSON.stringify(body)).toBeGreaterThanOrEqual(400);
			expect(status).toBeLessThan(500);
			expect(headers.get('content-type')).toBe('application/problem+json');
			expect(body).toMatchObject({
				type: 'about:blank',
				status,
				request_id: headers.get('x-request-id'),
			});
			for (const member of ['title', 'detail', 'code']) expect(body[member]).toBeTypeOf('string');
			expect(JSON.stringify(body)).not.toMatch(/SQL|D1_|at \w+ \(|\.ts:/);
		}
	});

	it('answer each way of asking wrongly with its own status', async () => {
		expect((await admin.call('GET', '/api/nothing')).status).toBe(404);
		expect((await admin.call('GET', '/api/projects/')).status).toBe(404);
		for (const id of ['0', '-1', '1.5', '1e3', '01', '2147483648', '99999999999', '%00', '..%2f1', 'NaN'])
			expect((await admin.call('GET', `/api/projects/${id}`)).status, id).toBe(404);
		const put = await admin.call('PUT', '/api/projects', { body: {} });
		expect(put.status).toBe(405);
		expect(put.headers.get('allow')).toBe('GET, HEAD, POST');
		expect((await admin.call('OPTIONS', '/api/projects')).status).toBe(405);
		const head = await admin.call('HEAD', '/api/projects');
		expect([head.status, head.body.text]).toEqual([200, '']);
		expect((await admin.call('POST', '/')).status).toBe(404);
	});

	it('refuse a body over a megabyte, announced or not', async () => {
		const big = JSON.stringify({ name: 'x', description: 'y'.repeat(1_100_000) });
		const headers = { 'content-type': 'application/json' };
		expect(await admin.call('POST', '/api/projects', { raw: big, headers })).toMatchObject({
			status: 413,
			body: { code: 'too_large' },
		});
		const bytes = new TextEncoder().encode(big);
		const unannounced = new ReadableStream<Uint8Array>({
			start(controller) {
				controller.enqueue(bytes.slice(0, 600_000));
				controller.enqueue(bytes.slice(600_000));
				controller.close();
			},
		});
		expect((await admin.call('POST', '/api/projects', { raw: unannounced, headers })).status).toBe(413);
	});

	it('never fall over a missing table', async () => {
		const { app } = await import('#worker/app.ts');
		const { env } = await import('cloudflare:workers');
		const broken = {
			...env,
			DB: {
				...env.DB,
				prepare: () => {
					throw new Error('secret inside: near "FROM" at x.ts:1');
				},
			},
		};
		const response = await app.fetch(
			new Request(`${ORIGIN}/api/projects`, { headers: { cookie: admin.cookie } }),
			broken,
			{ waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} },
		);
		expect(response.status).toBe(500);
		const text = await response.text();
		expect(JSON.parse(text)).toMatchObject({ code: 'fault', request_id: response.headers.get('x-request-id') });
		expect(text).not.toContain('secret inside');
	});
});

describe('21: what people and scripts wrote', () => {
	it('21: is told as text for a file, in a sandbox', async () => {
		const { id } = await script();
		const { headers, body } = await admin.call('GET', `/api/scripts/${String(id)}/content`);
		expect(body.text).toBe('<script>alert(1)</script>');
		expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
		expect(headers.get('x-content-type-options')).toBe('nosniff');
		expect(headers.get('content-disposition')).toMatch(/^attachment; /);
		expect(headers.get('content-security-policy')).toContain('sandbox');
		expect(headers.get('cache-control')).toBe('no-store');
		const job = await admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: 'x',
			job_type: 'ops',
			script_ids: [id],
		});
		const run = await admin.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {});
		const log = await admin.call('GET', `/api/runs/${String(idOf(run))}/log`);
		expect(log.headers.get('content-type')).toBe('text/plain; charset=utf-8');
		expect(log.headers.get('content-disposition')).toMatch(/^attachment; filename="run-\d+\.log"/);
		expect(log.headers.get('content-security-policy')).toContain('sandbox');
		for (const stream of ['html', '../x', '']) {
			expect((await admin.call('GET', `/api/runs/${String(idOf(run))}/log?stream=${stream}`)).status).toBe(400);
		}
	});

	it('20: file names cannot break out of a header', async () => {
		for (const name of ['a"; filename="evil.exe', 'é€.sh', "x'y(z)*", '../../etc/passwd', 'a;b,c']) {
			const { id } = await script({ name: `${name} ${fresh('n')}` });
			const { status, headers } = await admin.call('GET', `/api/scripts/${String(id)}/content`);
			expect(status, name).toBe(200);
			const value = headers.get('content-disposition') ?? '';
			expect(value).toMatch(/^attachment; filename="[A-Za-z0-9._-]+"; filename\*=UTF-8''[A-Za-z0-9._~!$&+%-]+$/);
		}
		expect(
			(
				await admin.call('POST', `/api/projects/${String(p)}/scripts`, {
					body: { tool: 'shell', name: 'a\r\nset-cookie: x', location_type: 'uploaded', content: '' },
				})
			).status,
		).toBe(400);
		expect(attachment('a\r\nb\ud800')).not.toMatch(/[\r\n]/);
		expect(attachment('')).toContain('filename="download"');
	});
});
